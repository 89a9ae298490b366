# Dates, timestamps, intervals.
$field := year ; quarter ; month ; day ; dayofmonth ; dayofweek ; weekday ; dayofyear ; weekofyear
$field($date)
$field(TIMESTAMP'2024-12-30 23:59:59')
$field('2021-01-03')
$field('x')
$clock := hour ; minute ; second
$clock($ts)
$clock($ntz)
$clock('2024-01-01 01:02:03')
$clock('12:13:14')
$clock(DATE'2024-01-01')
$part := YEAR ; YEAROFWEEK ; QUARTER ; MONTH ; WEEK ; DAY ; DAYOFWEEK ; DOW ; DAYOFWEEK_ISO ; DOW_ISO ; DOY ; HOUR ; MINUTE ; SECOND ; CENTURY ; Y ; MON ; D ; H ; S
extract($part FROM TIMESTAMP'2024-12-30 10:11:12.345678')
extract($part FROM DATE'2023-01-01')
extract(YEAR FROM INTERVAL '3-2' YEAR TO MONTH)
extract(MONTH FROM INTERVAL '3-2' YEAR TO MONTH)
extract(DAY FROM INTERVAL '3 02:01:00.5' DAY TO SECOND)
extract(HOUR FROM INTERVAL '3 02:01:00.5' DAY TO SECOND)
extract(SECOND FROM INTERVAL '3 02:01:00.5' DAY TO SECOND)
extract(YEAR FROM INTERVAL '3 02:01:00.5' DAY TO SECOND)
date_part('doy', DATE'2024-02-15')
date_part('seconds', TIMESTAMP'2024-02-15 10:11:12.5')
datepart('w', DATE'2024-02-15')
date_part('x', DATE'2024-02-15')
date_part(NULL, DATE'2024-02-15')
date_add($date, 1)
date_add('2024-02-28', 2)
date_add(DATE'2024-02-28', '3')
date_add(DATE'2024-02-28', 1.5)
date_add(DATE'2024-02-28', 5S)
date_add(DATE'2024-02-28', 5L)
date_add(TIMESTAMP'2024-02-28 23:00:00', 1)
date_add(DATE'2024-01-01', 2147483647)
dateadd(DATE'2024-02-28', 1)
dateadd(DAY, 1, DATE'2024-02-28')
dateadd(MONTH, -1, TIMESTAMP'2024-03-31 10:00:00')
dateadd(HOUR, 5, TIMESTAMP'2024-03-31 22:00:00')
dateadd(QUARTER, 1, DATE'2024-01-31')
date_add(YEAR, 1, DATE'2024-02-29')
timestampadd(MINUTE, 90, TIMESTAMP'2024-03-31 22:00:00')
date_sub($date, 1)
date_sub('2024-03-01', -2)
datediff($date, DATE'2024-01-01')
datediff('2024-03-01', '2024-02-28')
datediff(TIMESTAMP'2024-01-02 00:00:01', TIMESTAMP'2024-01-01 23:59:59')
datediff(DAY, TIMESTAMP'2024-01-01 23:00:00', TIMESTAMP'2024-01-02 22:00:00')
datediff(MONTH, DATE'2024-01-31', DATE'2024-02-29')
datediff(YEAR, DATE'2023-03-01', DATE'2024-02-29')
date_diff(HOUR, TIMESTAMP'2024-01-01 23:00:00', TIMESTAMP'2024-01-02 22:30:00')
timestampdiff(SECOND, TIMESTAMP'2024-01-01 00:00:00', TIMESTAMP'2024-01-01 00:01:00.5')
add_months($date, 1)
add_months(DATE'2024-03-31', -1)
add_months('2024-01-31', 13)
add_months(TIMESTAMP'2024-01-31 10:00:00', 1)
add_months(DATE'2024-01-31', 2147483647)
months_between(DATE'2024-03-31', DATE'2024-02-29')
months_between('2024-03-15', '2024-02-28')
months_between(TIMESTAMP'2024-03-15 12:00:00', TIMESTAMP'2024-02-14 00:00:00')
months_between(TIMESTAMP'2024-03-15 12:00:00', TIMESTAMP'2024-02-14 00:00:00', false)
months_between(NULL, DATE'2024-01-01')
last_day($date)
last_day('2023-02-10')
next_day(DATE'2024-02-15', 'TUESDAY')
next_day(DATE'2024-02-15', 'th')
next_day('2024-02-15', 'Sun')
next_day(DATE'2024-02-15', 'x')
next_day(NULL, 'MON')
$unit := 'YEAR' ; 'yyyy' ; 'QUARTER' ; 'MON' ; 'mm' ; 'WEEK' ; 'DAY' ; 'HOUR' ; 'x' ; NULL
trunc(DATE'2024-08-15', $unit)
trunc('2024-08-15 10:00', 'MM')
$instant := 'YEAR' ; 'yy' ; 'QUARTER' ; 'MONTH' ; 'mon' ; 'WEEK' ; 'DAY' ; 'dd' ; 'HOUR' ; 'MINUTE' ; 'SECOND' ; 'MILLISECOND' ; 'MICROSECOND' ; 'x' ; NULL
date_trunc($instant, TIMESTAMP'2024-08-15 10:11:12.345678')
date_trunc('DAY', $ts)
date_trunc('WEEK', DATE'2024-08-15')
date_trunc('HOUR', '2024-08-15 10:11:12')
date_trunc('HOUR', $ntz)
make_date(2024, 2, 29)
make_date(2023, 2, 29)
make_date(2024, 13, 1)
make_date(2024, NULL, 1)
make_date(0, 1, 1)
make_date('2024', 1, 1)
make_timestamp(2024, 2, 29, 10, 11, 12.345678)
make_timestamp(2024, 2, 29, 10, 11, 60)
make_timestamp(2024, 2, 30, 10, 11, 12)
make_timestamp(2024, 2, 29, 24, 0, 0)
make_timestamp(2024, 2, 29, 10, 11, 12, 'Europe/Vienna')
make_timestamp(2024, 2, 29, 10, 11, 61)
unix_date($date)
date_from_unix_date($int)
current_date() = curdate()
current_timestamp() = now()
timestamp_millis(1500)
timestamp_millis(-1)
timestamp_millis(9223372036854775807)
timestamp_micros(1500)
timestamp_micros(-1)
timestamp_seconds(1.5)
timestamp_seconds(1.23456789D)
timestamp_seconds(1.5F)
timestamp_seconds(9223372036854775807)
timestamp_seconds(NULL)
unix_micros($ts)
unix_millis($ts)
unix_seconds($ts)
unix_seconds('2024-01-01')
$letters := 'yyyy-MM-dd' ; 'dd.MM.yy' ; 'HH:mm:ss.SSS' ; 'EEE, d MMM yyyy' ; 'EEEE MMMM' ; 'D' ; 'Q' ; 'QQQ' ; 'hh:mm a' ; 'yyyyMMdd\'T\'HHmmss' ; 'SSSSSS' ; 'k K' ; 'XXX' ; 'Z' ; 'VV' ; 'z' ; 'u' ; 'F' ; 'x' ; 'YYYY' ; 'w' ; 'e' ; 'G' ; 'L' ; 'y' ; '' ; '\'quoted\'' ; 'MMMMM' ; 'n' ; 'A'
date_format(TIMESTAMP'2024-02-05 15:06:07.089', $letters)
date_format(DATE'2024-02-15', 'E d.M.')
date_format('2024-02-15', 'yyyy')
date_format(NULL, 'yyyy')
date_format(DATE'2024-02-15', NULL)
$day_text := '2024-02-15' ; '2024-2-5' ; 'x' ; '' ; '2024-02-30' ; NULL
to_date($day_text)
try_to_date($day_text)
to_timestamp($day_text)
try_to_timestamp($day_text)
to_date('15.02.2024', 'dd.MM.yyyy')
to_date('5.2.2024', 'd.M.yyyy')
to_date('05.02.24', 'dd.MM.yy')
to_date('20240215', 'yyyyMMdd')
to_date('Feb 15, 2024', 'MMM d, yyyy')
to_date('15.02.2024', 'yyyy-MM-dd')
to_date('2024-046', 'yyyy-DDD')
to_date('2024-02-15 rest', 'yyyy-MM-dd')
to_date(TIMESTAMP'2024-02-15 23:00:00')
to_date('2024', 'yyyy')
to_timestamp('2024-02-15 10:11:12', 'yyyy-MM-dd HH:mm:ss')
to_timestamp('2024-02-15 10:11:12.5', 'yyyy-MM-dd HH:mm:ss.S')
to_timestamp('2024-02-15 10:11:12.5', 'yyyy-MM-dd HH:mm:ss.SSS')
to_timestamp('15/Feb/2024:10:11:12 +0100', 'dd/MMM/yyyy:HH:mm:ss Z')
to_timestamp('2024-02-15T10:11:12Z', 'yyyy-MM-dd\'T\'HH:mm:ssXXX')
to_timestamp('02/15/2024 03:04 PM', 'MM/dd/yyyy hh:mm a')
to_timestamp('x', 'yyyy')
try_to_timestamp('x', 'yyyy')
try_to_date('x', 'yyyy')
to_timestamp(DATE'2024-02-15')
to_timestamp(0)
to_timestamp('2024-02-15', 'bbbb')
from_unixtime(0)
from_unixtime(1.9)
from_unixtime(86400, 'yyyy-MM-dd')
from_unixtime(-1)
from_unixtime(NULL)
unix_timestamp('1970-01-02 00:00:00')
unix_timestamp('1970-01-02', 'yyyy-MM-dd')
unix_timestamp(DATE'1970-01-03')
unix_timestamp(TIMESTAMP'1970-01-01 00:00:01.9')
unix_timestamp('x')
to_unix_timestamp('1970-01-02', 'yyyy-MM-dd')
window_time(NULL)
$shift := $months ; $micros ; INTERVAL 1 WEEK ; INTERVAL '1' MONTH
$date + $shift
$ts + $shift
$ts - $shift
$ntz + $shift
$date - INTERVAL '1' MONTH
$date + 1
$date - 1
1 + DATE'2024-01-01'
DATE'2024-01-01' + 1L
DATE'2024-01-01' + 1.5
DATE'2024-01-01' + '1'
20: $date - $date
$ts - TIMESTAMP'2024-01-01 00:00:00'
$date - TIMESTAMP'2024-01-01 12:00:00'
$ts - DATE'2024-01-01'
TIMESTAMP'2024-01-01 00:00:00' - '2023-01-01'
TIMESTAMP'2024-01-01 00:00:00' + '1 day'
TIMESTAMP'2024-01-01 00:00:00' + 1
$micros + $micros
$micros - INTERVAL '1' DAY
$months + $months
$months + $micros
$factor := 2 ; -1 ; 0 ; 1.5 ; 0.1D ; '2' ; NULL ; 9223372036854775807
$micros * $factor
$factor * $months
$micros / $factor
$months / $factor
DATE'9999-12-31' + 1
DATE'2024-01-01' + INTERVAL '1' HOUR
DATE'2024-01-01' + DATE'2024-01-01'
TIMESTAMP'2024-01-31 10:00:00' + INTERVAL '1' MONTH + INTERVAL '1' DAY
