package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

const (
	opRead    = "read"
	opWrite   = "write"
	opSignOut = "signout"
	opStop    = "stop"
)

// state of any of the models. Version 0: nobody has looked yet.
type state struct {
	version int64
	value   string
}

func describe(input, output interface{}) string {
	r := input.(Record)
	return fmt.Sprintf("%s@%d %s(%d %s) -> %v", r.Key, r.Replica, r.Op, r.Version, r.Value, output)
}

func model(init state, step func(s state, r Record) (bool, state)) porcupine.Model {
	return porcupine.Model{
		Partition: byKey,
		Init:      func() interface{} { return init },
		Step: func(s, input, _ interface{}) (bool, interface{}) {
			return step(s.(state), input.(Record))
		},
		DescribeOperation: describe,
	}
}

// setting: a register with a version that every write raises by one. A write demands the version it has seen (If-Match) and is
// refused when that is not the one there is; so no two writers ever get the same one. What is read may be newer than the version that
// comes with it, never older: who overwrites it has seen it.
func setting(s state, r Record) (bool, state) {
	written := state{r.Version + 1, r.Value}
	switch {
	case r.Op == opRead && s.version == 0:
		return true, state{r.Version, r.Value}
	case r.Op == opRead:
		return s.value == r.Value && s.version >= r.Version, s
	case r.Outcome == "ok":
		return s.version == r.Version, written
	case r.Outcome == "refused":
		return s.version != r.Version, s
	case s.version == r.Version: // Unknown: it takes place now. That it never does is the same as at the end of all.
		return true, written
	default:
		return true, s
	}
}

// token: good until its sign-out, and never again.
func token(s state, r Record) (bool, state) {
	if r.Op == opRead {
		return r.Value == s.value, s
	}
	return true, state{value: "refused"}
}

// run: alive until it ends, with one end for ever. It may end by itself before anybody looks; who was told that it is stopped never
// sees it alive again.
func run(s state, r Record) (bool, state) {
	switch {
	case r.Op == opStop && s.value == "alive":
		return true, state{value: "ended"} // How is not known yet.
	case r.Op == opStop:
		return true, s
	case r.Value == "alive":
		return s.value == "alive", s
	case s.value == "alive" || s.value == "ended":
		return true, state{value: r.Value}
	default:
		return s.value == r.Value, s
	}
}

var models = map[string]porcupine.Model{
	"setting": model(state{}, setting),
	"token":   model(state{value: "accepted"}, token),
	"run":     model(state{value: "alive"}, run),
}
