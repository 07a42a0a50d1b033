package main

import "reflect"

type account struct {
	ID, Owner, Balance, Limit, Flags int
}

func init() {
	causes["reflection"] = cause{plant: func(running func() bool) {
		from, to := account{1, 2, 3, 4, 5}, account{}
		for running() {
			copyFields(&to, &from)
		}
	}, lookalike: func(running func() bool) {
		handler := reflect.ValueOf(sumBalances)
		for running() {
			handler.Call([]reflect.Value{reflect.ValueOf(200000)})
		}
	}}
}

//go:noinline
func copyFields(to, from *account) {
	target, source := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for i := 0; i < source.NumField(); i++ {
		name := source.Type().Field(i).Name
		target.FieldByName(name).Set(source.FieldByName(name))
	}
}

// sumBalances is called through reflection, as handlers often are, and does its work without.
//
//go:noinline
func sumBalances(n int) uint64 { return spin(n) }
