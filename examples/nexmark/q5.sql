WITH counted AS (
  SELECT window_start, window_end, auction, COUNT(*) AS num
  FROM TABLE(HOP(TABLE bid, DESCRIPTOR(happened), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
  GROUP BY window_start, window_end, auction
)
SELECT counted.window_start, counted.window_end, counted.auction, counted.num
FROM counted
JOIN (
  SELECT window_start, window_end, MAX(num) AS num FROM counted GROUP BY window_start, window_end
) AS most
ON counted.window_start = most.window_start AND counted.window_end = most.window_end
  AND counted.num = most.num
