SELECT window_start, window_end, bidder, COUNT(*) AS bid_count
FROM TABLE(
  SESSION(TABLE bid PARTITION BY bidder, DESCRIPTOR(happened), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, bidder
