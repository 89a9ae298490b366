-- Auctions with the most bids of each 10 seconds, every 2 seconds.
CREATE MATERIALIZED VIEW q05 AS
WITH counts AS (
  SELECT auction, window.start AS starttime, window.end AS endtime, count(*) AS num
  FROM bid
  GROUP BY auction, window(dateTime, '10 seconds', '2 seconds'))
SELECT c.auction, c.num
FROM counts AS c
JOIN (SELECT starttime, endtime, max(num) AS maxn FROM counts GROUP BY starttime, endtime) AS m
  ON c.starttime = m.starttime AND c.endtime = m.endtime AND c.num >= m.maxn;
