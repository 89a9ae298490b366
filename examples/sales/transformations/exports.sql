-- Copies for people without a Parquet reader. CREATE SINK is Tidemill's own; Spark's pipelines do not have it in SQL.

CREATE SINK customer_analytics_csv USING csv
OPTIONS (path 'output/csv/customer_analytics', header 'true')
AS FROM customer_analytics;

CREATE SINK product_analytics_csv USING csv
OPTIONS (path 'output/csv/product_analytics', header 'true')
AS FROM product_analytics;
