-- Trimmed, upper-cased, typed; revenue added. Nothing is stored here.

CREATE TEMPORARY VIEW customers_cleaned AS
SELECT
  customer_id,
  trim(upper(customer_name)) AS customer_name,
  trim(email) AS email,
  trim(upper(city)) AS city,
  trim(upper(state)) AS state,
  to_date(registration_date, 'yyyy-MM-dd') AS registration_date
FROM customers;

CREATE TEMPORARY VIEW sales_cleaned AS
SELECT
  transaction_id,
  customer_id,
  trim(product_name) AS product_name,
  trim(upper(category)) AS category,
  quantity,
  price,
  quantity * price AS revenue,
  to_date(transaction_date, 'yyyy-MM-dd') AS transaction_date
FROM STREAM sales;
