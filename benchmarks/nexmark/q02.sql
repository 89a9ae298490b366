-- Bids on some auctions.
CREATE MATERIALIZED VIEW q02 AS
SELECT auction, price FROM bid WHERE auction % 123 = 0;
