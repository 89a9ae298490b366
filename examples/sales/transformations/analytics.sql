-- Materialized views: always equal to their query over all sales so far, kept up to date row by row.

CREATE MATERIALIZED VIEW customer_analytics AS
SELECT
  customer_id, customer_name, city, state, customer_segment,
  count(transaction_id) AS total_transactions,
  round(sum(revenue), 2) AS total_revenue,
  round(avg(revenue), 2) AS avg_transaction_value,
  max(transaction_date) AS last_purchase_date,
  count(transaction_date) AS purchase_frequency
FROM enriched_sales
GROUP BY customer_id, customer_name, city, state, customer_segment;

CREATE MATERIALIZED VIEW product_analytics AS
SELECT
  product_name, category,
  sum(quantity) AS total_quantity_sold,
  round(sum(revenue), 2) AS total_revenue,
  count(transaction_id) AS transaction_count,
  round(avg(price), 2) AS avg_price
FROM enriched_sales
GROUP BY product_name, category;

CREATE MATERIALIZED VIEW geographic_analytics AS
SELECT
  state, city,
  count(customer_id) AS unique_customers,
  round(sum(revenue), 2) AS total_revenue,
  count(transaction_id) AS total_transactions
FROM enriched_sales
GROUP BY state, city;

CREATE MATERIALIZED VIEW daily_trends AS
SELECT
  transaction_date,
  count(transaction_id) AS daily_transactions,
  round(sum(revenue), 2) AS daily_revenue,
  count(customer_id) AS unique_customers
FROM enriched_sales
GROUP BY transaction_date;
