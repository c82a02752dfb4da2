SELECT best.window_start, best.window_end, bid.auction, bid.bidder, bid.date_time, bid.price
FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(happened), INTERVAL '10' SECOND)) AS bid
JOIN (
  SELECT window_start, window_end, MAX(price) AS price
  FROM TABLE(TUMBLE(TABLE bid, DESCRIPTOR(happened), INTERVAL '10' SECOND))
  GROUP BY window_start, window_end
) AS best
ON bid.window_start = best.window_start AND bid.window_end = best.window_end
  AND bid.price = best.price
