-- Prices in euros.
CREATE MATERIALIZED VIEW q01 AS
SELECT auction, bidder, 0.908 * price AS price, dateTime, extra FROM bid;
