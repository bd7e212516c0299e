package main

import (
	"fmt"
	"strconv"
	"strings"
)

// intList is a flag of numbers with commas between them.
type intList []int

func (l *intList) String() string {
	var s []string
	for _, n := range *l {
		s = append(s, strconv.Itoa(n))
	}
	return strings.Join(s, ",")
}

func (l *intList) Set(s string) error {
	var list []int
	for field := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(field)
		if err != nil {
			return fmt.Errorf("%q is not a number", field)
		}
		list = append(list, n)
	}
	*l = list
	return nil
}

// nameList is a flag of names with commas between them, in upper case.
type nameList []string

func (l *nameList) String() string { return strings.Join(*l, ",") }

func (l *nameList) Set(s string) error {
	*l = strings.Split(strings.ToUpper(s), ",")
	return nil
}

// argLists is a flag that may be given several times, each a list of words.
type argLists [][]string

func (l *argLists) String() string {
	var s []string
	for _, words := range *l {
		s = append(s, strings.Join(words, " "))
	}
	return strings.Join(s, "; ")
}

func (l *argLists) Set(s string) error {
	*l = append(*l, strings.Fields(s))
	return nil
}
