package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"

	"github.com/anishathalye/porcupine"
)

// Record is one line of a history: what one client asked, and what came of it. Times are nanoseconds of one monotonic clock.
type Record struct {
	Key     string `json:"key"` // which register, token or run; each is checked by itself
	Client  int    `json:"client"`
	Replica int    `json:"replica"` // who was asked; of a fault: who suffers, -1 all
	Op      string `json:"op"`
	Call    int64  `json:"call"`
	Return  int64  `json:"return"`
	Outcome string `json:"outcome"` // "unknown": nobody knows whether it took place, or will
	Version int64  `json:"version"` // the one that was read, or that a write demands
	Value   string `json:"value"`
}

// A fault's line: from Call to Return the replica could not hear of changes.
const opAway = "away"

const outcomeUnknown = "unknown"

// Read reads a whole history; reads whose outcome is unknown say nothing and are left out.
func Read(in io.Reader) (ops, away []Record, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		var r Record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", number, err)
		}
		switch {
		case r.Op == opAway:
			away = append(away, r)
		case r.Outcome == outcomeUnknown && r.Op == opRead:
		default:
			ops = append(ops, r)
		}
	}
	return ops, away, lines.Err()
}

// Earliest is the moment `budget` before `call`, not counting the time in which the replica could not hear of anything.
func Earliest(call, budget int64, replica int, away []Record) int64 {
	var mine []Record
	for _, a := range away {
		if a.Call < call && (a.Replica < 0 || a.Replica == replica) {
			mine = append(mine, a)
		}
	}
	// From the latest back; those that overlap count once.
	sort.Slice(mine, func(i, j int) bool { return mine[i].Return > mine[j].Return })
	at := call
	for _, a := range mine {
		if a.Return < at {
			if at-a.Return >= budget {
				break
			}
			budget -= at - a.Return
		}
		at = min(at, a.Call)
	}
	return at - budget
}

// Operations makes porcupine's history. A read may show what was true up to `stale` before it was asked; what has an unknown outcome
// may take place at any time after it was asked.
func Operations(records, away []Record, stale int64) []porcupine.Operation {
	out := make([]porcupine.Operation, 0, len(records))
	for _, r := range records {
		call, end := r.Call, r.Return
		if r.Op == opRead {
			call = Earliest(call, stale, r.Replica, away)
		}
		if r.Outcome == outcomeUnknown {
			end = math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: r.Client, Input: r, Call: call, Output: r.Outcome, Return: end})
	}
	return possible(telling(out))
}

// possible leaves out writes of unknown outcome that cannot have taken place, or need not have: of all who demand the same version at
// most one did, the one that was acknowledged or whose value was read; where there is none such, whoever asked first stands for all.
func possible(history []porcupine.Operation) []porcupine.Operation {
	type demand struct {
		key     string
		version int64
	}
	what := func(r Record) demand { return demand{r.Key, r.Version} }
	wasRead := map[string]bool{}
	for _, op := range history {
		if r := op.Input.(Record); r.Op == opRead {
			wasRead[r.Key+" "+r.Value] = true
		}
	}
	took := func(r Record) bool {
		return r.Outcome == "ok" || r.Outcome == outcomeUnknown && wasRead[r.Key+" "+r.Value]
	}
	decided, first := map[demand]bool{}, map[demand]int{}
	for i, op := range history {
		r := op.Input.(Record)
		if r.Op != opWrite || r.Outcome != "ok" && r.Outcome != outcomeUnknown {
			continue
		}
		decided[what(r)] = decided[what(r)] || took(r)
		if at, known := first[what(r)]; !known || op.Call < history[at].Call {
			first[what(r)] = i
		}
	}
	var out []porcupine.Operation
	for i, op := range history {
		r := op.Input.(Record)
		doubtful := r.Op == opWrite && r.Outcome == outcomeUnknown && !took(r)
		if !doubtful || !decided[what(r)] && first[what(r)] == i {
			out = append(out, op)
		}
	}
	return out
}

// telling leaves out reads that say nothing more than others. In each of the models a value that is gone never comes back, so one
// holds from one moment to another, and of those who read it only two matter: who must have done so first, and who cannot have done
// so before the others. With hundreds of reads open at once the search would not end.
func telling(history []porcupine.Operation) []porcupine.Operation {
	type shown struct {
		key, value string
		version    int64
	}
	first, last := map[shown]int{}, map[shown]int{}
	what := func(op porcupine.Operation) shown {
		r := op.Input.(Record)
		return shown{r.Key, r.Value, r.Version}
	}
	isRead := func(op porcupine.Operation) bool { return op.Input.(Record).Op == opRead }
	for i, op := range history {
		if !isRead(op) {
			continue
		}
		if best, known := first[what(op)]; !known || op.Return < history[best].Return {
			first[what(op)] = i
		}
		if best, known := last[what(op)]; !known || op.Call > history[best].Call {
			last[what(op)] = i
		}
	}
	var out []porcupine.Operation
	for i, op := range history {
		if !isRead(op) || first[what(op)] == i || last[what(op)] == i {
			out = append(out, op)
		}
	}
	return out
}

// byKey is a Partition: a history is linearizable if that of each key is.
func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	places := map[string]int{}
	var out [][]porcupine.Operation
	for _, op := range history {
		key := op.Input.(Record).Key
		place, known := places[key]
		if !known {
			place = len(out)
			places[key] = place
			out = append(out, nil)
		}
		out[place] = append(out[place], op)
	}
	return out
}
