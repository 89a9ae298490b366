-- Ten highest bids of each auction.
CREATE MATERIALIZED VIEW q19 AS
SELECT *
FROM (
  SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, dateTime, bidder, channel, url, extra) AS rank
  FROM bid)
WHERE rank <= 10;
