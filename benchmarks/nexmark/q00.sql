-- Pass through.
CREATE MATERIALIZED VIEW q00 AS
SELECT auction, bidder, price, dateTime, extra FROM bid;
