-- The checks of the pipeline, as tables.

-- Keys that are missing. NOT NULL columns keep such rows out and the run names them; this counts what got through.
CREATE MATERIALIZED VIEW key_check AS
SELECT
  count(*) AS sales_records,
  count(*) - count(customer_id) AS null_customer_ids,
  CASE WHEN count(*) = count(customer_id) THEN 'PASS' ELSE 'FAIL' END AS keys
FROM sales;

-- Revenue before the join with customers equals revenue after it, compared before rounding.
CREATE MATERIALIZED VIEW revenue_reconciliation AS
SELECT
  round(original.revenue, 2) AS original_revenue,
  round(transformed.revenue, 2) AS transformed_revenue,
  CASE WHEN abs(original.revenue - transformed.revenue) < 0.01 THEN 'PASS' ELSE 'FAIL' END AS reconciliation
FROM (SELECT sum(quantity * price) AS revenue FROM sales) AS original
CROSS JOIN (SELECT sum(revenue) AS revenue FROM enriched_sales) AS transformed;

CREATE MATERIALIZED VIEW quality_report AS
SELECT
  count_if(total_revenue IS NULL) AS null_revenues,
  count_if(total_revenue = 0) AS zero_revenues,
  CASE
    WHEN count_if(total_revenue IS NULL OR total_revenue = 0) = 0 THEN 'EXCELLENT'
    ELSE 'REVIEW NEEDED'
  END AS data_quality
FROM customer_analytics;
