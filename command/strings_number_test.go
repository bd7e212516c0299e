package command

import "testing"

func TestIntegers(t *testing.T) {
	const (
		notInt   = "-ERR value is not an integer or out of range"
		overflow = "-ERR increment or decrement would overflow"
	)
	playStrings(t, []stringsStep{
		{"INCR n", ":1"},
		{"INCR n", ":2"},
		{"DECR n", ":1"},
		{"INCRBY n 41", ":42"},
		{"DECRBY n 50", ":-8"},
		{"INCRBY n -9223372036854775800", ":-9223372036854775808"},
		{"GET n", "$20 -9223372036854775808"},
		{"DECR n", overflow},
		{"INCRBY n -1", overflow},
		{"DECRBY n 1", overflow},
		{"INCRBY n 9223372036854775807", ":-1"},
		{"DECRBY n -9223372036854775808", "-ERR decrement would overflow"},
		{"INCRBY n 9223372036854775807", ":9223372036854775806"},
		{"INCR n", ":9223372036854775807"},
		{"INCR n", overflow},
		{"INCRBY n abc", notInt},
		{"DECRBY n 1.5", notInt},
		{"INCRBY n 9223372036854775808", notInt},
		{"INCRBY n 0", ":9223372036854775807"},
		{"INCR n 1", "-ERR wrong number of arguments for 'incr' command"},
		{"SET s abc", "+OK"},
		{"INCR s", notInt},
		{"SET s ''", "+OK"},
		{"INCR s", notInt},
		{"SET s 01", "+OK"},
		{"INCR s", notInt},
		{"SET s 1.0", "+OK"},
		{"INCRBY s 5", notInt},
		{"SET s -0", "+OK"},
		{"DECR s", notInt},
	})
}

func TestIncrByFloat(t *testing.T) {
	const (
		notFloat = "-ERR value is not a valid float"
		infinite = "-ERR increment would produce NaN or Infinity"
	)
	playStrings(t, []stringsStep{
		{"INCRBYFLOAT f 10.5", "$4 10.5"},
		{"INCRBYFLOAT f 0.1", "$4 10.6"},
		{"INCRBYFLOAT f -5", "$3 5.6"},
		{"GET f", "$3 5.6"},
		{"INCRBYFLOAT f 0x10", "$4 21.6"},
		{"INCRBYFLOAT f 0X.8p+1", "$4 22.6"},
		{"INCRBYFLOAT f 5.", "$4 27.6"},
		{"INCRBYFLOAT f +.4E0", "$2 28"},
		{"INCRBYFLOAT f 1e2", "$3 128"},
		{"INCRBYFLOAT f 0e-99999999999", "$3 128"},
		{"INCRBYFLOAT f inf", infinite},
		{"INCRBYFLOAT f -Infinity", infinite},
		{"INCRBYFLOAT f nan", notFloat},
		{"INCRBYFLOAT f ''", notFloat},
		{"INCRBYFLOAT f .", notFloat},
		{"INCRBYFLOAT f +-1", notFloat},
		{"INCRBYFLOAT f 1e", notFloat},
		{"INCRBYFLOAT f 0x", notFloat},
		{"INCRBYFLOAT f 0x1p", notFloat},
		{"INCRBYFLOAT f 1.2.3", notFloat},
		{"INCRBYFLOAT f 1_0", notFloat},
		{"INCRBYFLOAT f 1e5000", notFloat},
		{"INCRBYFLOAT f 1e-5000", notFloat},
		{"INCRBYFLOAT f 1e-4950", "$3 128"},
		{"INCRBYFLOAT f", "-ERR wrong number of arguments for 'incrbyfloat' command"},
		{"SET f inf", "+OK"},
		{"INCRBYFLOAT f -inf", infinite},
		{"SET f 1e4932", "+OK"},
		{"INCRBYFLOAT f 1e4932", infinite},
		{"SET f 1e-20", "+OK"},
		{"INCRBYFLOAT f -2e-20", "$1 0"},
		{"SET f -0", "+OK"},
		{"INCRBYFLOAT f -0", "$1 0"},
		{"SET f abc", "+OK"},
		{"INCRBYFLOAT f 1", notFloat},
		{"SET f 9223372036854775807", "+OK"},
		{"INCRBYFLOAT f 1", "$19 9223372036854775808"},
		{"SET f 3.0e3", "+OK"},
		{"INCRBYFLOAT f 200", "$4 3200"},
	})
}
