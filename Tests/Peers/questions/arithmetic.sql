# ANSI arithmetic: result types, overflow, division by zero, NULL.
$op := + ; - ; * ; / ; % ; div
$bits := & ; | ; ^
150: $number $op $number
60: $integer $op $integer
60: $dec $op $dec
40: $dec $op $int
30: $double $op $double
25: $float $op $integer
40: $scalar $op $scalar
30: $integer $bits $integer
25: $number_text $op $number
20: pmod($number, $number)
15: mod($number, $number)
30: try_add($number, $number)
20: try_subtract($number, $number)
20: try_multiply($number, $number)
20: try_divide($number, $number)
15: try_mod($integer, $integer)
- $tiny
- $int
-($big)
-($double)
-($dec)
-($months)
-($micros)
-'1.5'
-true
+'2'
+$bool
~$tiny
~$small
~$int
~($big)
~1.5
abs($number)
abs($months)
abs($micros)
abs('-2')
positive($dec)
negative($tiny)
20: $integer << $tiny
20: $integer >> $tiny
20: $integer >>> $tiny
shiftleft(1, 33)
shiftright(-1L, 65)
shiftrightunsigned(-1, 28)
1 + 2 * 3 - 4 / 5
2 - - 2
- - 1
1 - -1
10 % 3 * 2
7 div 2 * 2
1 + NULL
NULL / 0
1 & 2 | 4 ^ 7
NOT true = false
5 > 3 AND 2 > 1 OR 1 / 0 > 1
1 << 2 + 1
1.5e0 + 1
