-- Windows of the clock are others in every run: only what all of them have of a bidder can be compared.
SELECT bidder, COUNT(*) AS bid_count FROM bid GROUP BY bidder
