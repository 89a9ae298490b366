-- Every sale with its customer as known when the sale came in. A streaming table: a row once written is final.

CREATE STREAMING TABLE enriched_sales AS
SELECT
  customer_id, transaction_id, product_name, category, quantity, price, revenue, transaction_date,
  customer_name, email, city, state, registration_date, customer_tenure_days,
  CASE
    WHEN customer_tenure_days >= 365 THEN 'Loyal'
    WHEN customer_tenure_days >= 180 THEN 'Regular'
    ELSE 'New'
  END AS customer_segment
FROM (
  SELECT s.*, c.customer_name, c.email, c.city, c.state, c.registration_date,
    datediff(current_date(), c.registration_date) AS customer_tenure_days
  FROM STREAM sales_cleaned AS s
  INNER JOIN customers_cleaned AS c ON s.customer_id = c.customer_id
);
