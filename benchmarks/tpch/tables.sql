-- TPC-H's tables, each a directory of Parquet files as tpchgen-cli (PyPI) writes them:
--   tpchgen-cli parquet -s 0.1 --parts=10 --output-dir DIR
CREATE TABLE region USING parquet OPTIONS (path 'region');
CREATE TABLE nation USING parquet OPTIONS (path 'nation');
CREATE TABLE supplier USING parquet OPTIONS (path 'supplier');
CREATE TABLE customer USING parquet OPTIONS (path 'customer');
CREATE TABLE part USING parquet OPTIONS (path 'part');
CREATE TABLE partsupp USING parquet OPTIONS (path 'partsupp');
CREATE TABLE orders USING parquet OPTIONS (path 'orders');
CREATE TABLE lineitem USING parquet OPTIONS (path 'lineitem');
