-- Winning bid of each auction.
CREATE MATERIALIZED VIEW q09 AS
SELECT a.id, a.itemName, a.description, a.initialBid, a.reserve, a.dateTime, a.expires, a.seller, a.category, b.bidder,
  b.price, b.dateTime AS bid_dateTime
FROM auction AS a JOIN bid AS b ON a.id = b.auction
WHERE b.dateTime BETWEEN a.dateTime AND a.expires
QUALIFY row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.dateTime, b.bidder) = 1;
