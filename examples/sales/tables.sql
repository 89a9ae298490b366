-- Where the data lies. Spark runs this file once before the pipeline; Tidemill reads it with the rest.

CREATE TABLE sales (
  transaction_id STRING NOT NULL,
  customer_id STRING NOT NULL,
  product_name STRING NOT NULL,
  category STRING NOT NULL,
  quantity INT NOT NULL,
  price DOUBLE NOT NULL,
  transaction_date STRING NOT NULL
)
USING csv OPTIONS (path 'input/sales', header 'true');

CREATE TABLE customers (
  customer_id STRING NOT NULL,
  customer_name STRING NOT NULL,
  email STRING NOT NULL,
  city STRING NOT NULL,
  state STRING NOT NULL,
  registration_date STRING NOT NULL
)
USING csv OPTIONS (path 'input/customers', header 'true');
