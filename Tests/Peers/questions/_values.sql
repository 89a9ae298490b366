# Values that all topics share. Edges first: zero, both signs, the bounds of each type, NULL.
$tiny := 0Y ; 1Y ; -1Y ; 127Y ; -128Y ; CAST(NULL AS TINYINT)
$small := 0S ; 7S ; -7S ; 32767S ; -32768S ; CAST(NULL AS SMALLINT)
$int := 0 ; 1 ; -1 ; 7 ; 2147483647 ; -2147483648 ; CAST(NULL AS INT)
$big := 0L ; 3L ; -3L ; 9223372036854775807L ; -9223372036854775808L ; CAST(NULL AS BIGINT)
$float := 0.0F ; -0.0F ; 1.5F ; -2.25F ; FLOAT('NaN') ; FLOAT('Infinity') ; CAST(NULL AS FLOAT)
$double := 0D ; -0.0D ; 1.5D ; -2.5D ; 1e308D ; 1e-300D ; DOUBLE('NaN') ; DOUBLE('-Infinity') ; CAST(NULL AS DOUBLE)
$dec := 0.0 ; 1.5 ; -2.50 ; 99.99 ; 0.001 ; 12345678901234567890.123456789 ; 99999999999999999999999999999999999999 ;
 CAST(1 AS DECIMAL(5,2)) ; CAST(-7.125 AS DECIMAL(20,10)) ; CAST(NULL AS DECIMAL(10,2))
$text := '' ; ' ' ; 'a' ; 'Tidemill' ; 'größe' ; '日本語' ; '😀x' ; 'a,b,,c' ; '  pad  ' ; 'ABC abc' ; CAST(NULL AS STRING)
$number_text := '1' ; ' 2 ' ; '-3' ; '1.5' ; '1e3' ; 'x' ; '' ; '300' ; '9999999999'
$date := DATE'1970-01-01' ; DATE'2024-02-29' ; DATE'2023-12-31' ; DATE'1582-10-04' ; DATE'0001-01-01' ;
 DATE'9999-12-31' ; CAST(NULL AS DATE)
$ts := TIMESTAMP'1970-01-01 00:00:00' ; TIMESTAMP'2024-02-29 12:34:56.789' ; TIMESTAMP'1969-12-31 23:59:59.999999' ;
 TIMESTAMP'2024-03-10 02:30:00+02:00' ; TIMESTAMP'0001-01-01 00:00:00' ; TIMESTAMP'9999-12-31 23:59:59' ;
 CAST(NULL AS TIMESTAMP)
$ntz := TIMESTAMP_NTZ'2024-02-29 12:34:56.5' ; TIMESTAMP_NTZ'1969-12-31 23:59:59' ; CAST(NULL AS TIMESTAMP_NTZ)
$bool := true ; false ; CAST(NULL AS BOOLEAN)
$binary := X'' ; X'41' ; X'00FF' ; CAST(NULL AS BINARY)
$months := INTERVAL '1' YEAR ; INTERVAL '-13' MONTH ; INTERVAL '1-2' YEAR TO MONTH
$micros := INTERVAL '1' DAY ; INTERVAL '-36' HOUR ; INTERVAL '1 02:03:04.5' DAY TO SECOND ; INTERVAL '0.000001' SECOND
$array := array() ; array(1, 2, NULL) ; array(3) ; CAST(NULL AS ARRAY<INT>)
$map := map() ; map('a', 1, 'b', NULL) ; CAST(NULL AS MAP<STRING, INT>)
$struct := struct(1, 'x') ; named_struct('a', NULL, 'b', 2.5)
$integer := $tiny ; $small ; $int ; $big
$number := $tiny ; $small ; $int ; $big ; $float ; $double ; $dec
$scalar := $number ; $text ; $date ; $ts ; $bool ; NULL
$any := $number ; $text ; $date ; $ts ; $ntz ; $bool ; $binary ; $months ; $micros ; $array ; $map ; $struct ; NULL
$type := BOOLEAN ; TINYINT ; SMALLINT ; INT ; BIGINT ; FLOAT ; DOUBLE ; DECIMAL(5,2) ; DECIMAL(38,18) ; STRING ; BINARY ;
 DATE ; TIMESTAMP ; TIMESTAMP_NTZ ; INTERVAL DAY TO SECOND ; INTERVAL YEAR TO MONTH ; ARRAY<INT> ; MAP<STRING, INT>
