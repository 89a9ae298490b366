-- Views over views: changed customers change these, nothing is computed again from the start.

CREATE MATERIALIZED VIEW segment_performance AS
SELECT
  customer_segment,
  round(sum(total_revenue), 2) AS segment_revenue,
  count(customer_id) AS customers
FROM customer_analytics
GROUP BY customer_segment;

CREATE MATERIALIZED VIEW executive_summary AS
SELECT
  count(*) AS total_customers,
  round(sum(total_revenue), 2) AS total_revenue,
  round(avg(total_revenue), 2) AS avg_customer_value
FROM customer_analytics;
