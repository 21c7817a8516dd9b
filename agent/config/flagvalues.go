package config

import (
	"errors"
	"strconv"
	"strings"
)

// The values below know whether their flag was given: their target stays nil
// until then. Their errors hold only the reason; internal/cli names the flag.

// errSyntax is how Go's flag package, and so Consul, words a value that is no
// number or boolean.
var errSyntax = errors.New("parse error")

type stringFlag struct{ target **string }

func (v stringFlag) Set(s string) error { *v.target = &s; return nil }
func (v stringFlag) Type() string       { return "value" }
func (v stringFlag) String() string {
	if v.target == nil || *v.target == nil {
		return ""
	}
	return **v.target
}

type intFlag struct{ target **int }

func (v intFlag) Set(s string) error {
	n, err := strconv.ParseInt(s, 0, strconv.IntSize)
	if err != nil {
		return errSyntax
	}
	i := int(n)
	*v.target = &i
	return nil
}
func (v intFlag) Type() string { return "value" }
func (v intFlag) String() string {
	if v.target == nil || *v.target == nil {
		return ""
	}
	return strconv.Itoa(**v.target)
}

type boolFlag struct{ target **bool }

func (v boolFlag) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return errSyntax
	}
	*v.target = &b
	return nil
}
func (v boolFlag) Type() string     { return "bool" }
func (v boolFlag) IsBoolFlag() bool { return true }
func (v boolFlag) String() string {
	if v.target == nil || *v.target == nil {
		return ""
	}
	return strconv.FormatBool(**v.target)
}

// listFlag adds one entry each time its flag is given.
type listFlag struct{ target *[]string }

func (v listFlag) Set(s string) error { *v.target = append(*v.target, s); return nil }
func (v listFlag) Type() string       { return "value" }
func (v listFlag) String() string {
	if v.target == nil {
		return ""
	}
	return strings.Join(*v.target, ",")
}

// pairsFlag adds one key:value pair each time its flag is given; without a
// colon the value is empty.
type pairsFlag struct{ target *map[string]string }

func (v pairsFlag) Set(s string) error {
	key, value, _ := strings.Cut(s, ":")
	if *v.target == nil {
		*v.target = map[string]string{}
	}
	(*v.target)[key] = value
	return nil
}
func (v pairsFlag) Type() string   { return "value" }
func (v pairsFlag) String() string { return "" }

// plainFlag and switchFlag set values whose zero means "not given".
type plainFlag struct{ target *string }

func (v plainFlag) Set(s string) error { *v.target = s; return nil }
func (v plainFlag) Type() string       { return "value" }
func (v plainFlag) String() string {
	if v.target == nil {
		return ""
	}
	return *v.target
}

type switchFlag struct{ target *bool }

func (v switchFlag) Set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return errSyntax
	}
	*v.target = b
	return nil
}
func (v switchFlag) Type() string     { return "bool" }
func (v switchFlag) IsBoolFlag() bool { return true }
func (v switchFlag) String() string   { return strconv.FormatBool(v.target != nil && *v.target) }
