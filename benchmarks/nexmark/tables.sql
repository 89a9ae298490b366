-- Nexmark's three streams, each a directory of Parquet files.
CREATE TABLE person (id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING,
  dateTime TIMESTAMP, extra STRING) USING parquet OPTIONS (path 'person');
CREATE TABLE auction (id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT,
  dateTime TIMESTAMP, expires TIMESTAMP, seller BIGINT, category BIGINT, extra STRING)
  USING parquet OPTIONS (path 'auction');
CREATE TABLE bid (auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime TIMESTAMP,
  extra STRING) USING parquet OPTIONS (path 'bid');
-- q13 looks values up in it.
CREATE TABLE side_input (key BIGINT, value STRING) USING csv OPTIONS (path 'side_input', header 'true');
