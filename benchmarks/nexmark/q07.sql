-- Highest bids of each 10 seconds.
CREATE MATERIALIZED VIEW q07 AS
SELECT b.auction, b.price, b.bidder, b.dateTime, b.extra
FROM bid AS b
JOIN (
  SELECT max(price) AS maxprice, window.end AS windowend
  FROM bid
  GROUP BY window(dateTime, '10 seconds')) AS w ON b.price = w.maxprice
WHERE b.dateTime BETWEEN w.windowend - INTERVAL 10 SECONDS AND w.windowend;
