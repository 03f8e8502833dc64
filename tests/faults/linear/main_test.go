package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const ms = int64(time.Millisecond)

func verdict(t *testing.T, model string, stale time.Duration, lines string) porcupine.CheckResult {
	t.Helper()
	ops, away, err := Read(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return porcupine.CheckOperationsTimeout(models[model], Operations(ops, away, stale.Nanoseconds()), time.Minute)
}

// Times in milliseconds, to be read.
func line(key string, replica int, op string, call, end int64, outcome string, version int64, value string) string {
	r := Record{Key: key, Replica: replica, Op: op, Call: call * ms, Return: end * ms, Outcome: outcome, Version: version, Value: value}
	text, _ := json.Marshal(r)
	return string(text)
}

func TestVerdicts(t *testing.T) {
	read := func(call int64, version int64, value string) string {
		return line("x", 1, opRead, call, call+5, "ok", version, value)
	}
	write := func(call int64, outcome string, version int64, value string) string {
		return line("x", 0, opWrite, call, call+5, outcome, version, value)
	}
	use := func(call int64, value string) string { return line("x", 1, opRead, call, call+5, "ok", 0, value) }
	away := func(replica int, from, to int64) string { return line("", replica, opAway, from, to, "", 0, "") }
	signOut := func(call int64, outcome string) string { return line("x", 0, opSignOut, call, call+5, outcome, 0, "") }
	stop := func(call int64, outcome string) string { return line("x", 0, opStop, call, call+5, outcome, 0, "") }
	tests := []struct {
		name, model string
		want        porcupine.CheckResult
		lines       []string
	}{
		{"an old value within the second", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), read(900, 1, "a"), read(1200, 2, "b")}},
		{"an old value after the second", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), read(1100, 1, "a")}},
		{"… in which the replica stood still", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), away(1, 100, 900), read(1700, 1, "a")}},
		{"… in which another stood still", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), away(0, 100, 900), read(1700, 1, "a")}},
		{"… in which all did, twice at once", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), away(-1, 100, 900), away(1, 100, 900), read(1900, 1, "a")}},
		{"two writers get the same version", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), write(20, "ok", 1, "c")}},
		{"refused although nobody came first", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "refused", 1, "b")}},
		{"refused because somebody came first", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "ok", 1, "c"), write(20, "refused", 1, "b")}},
		{"a write of unknown outcome took place", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), read(3000, 2, "b")}},
		{"… or did not", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), read(3000, 1, "a")}},
		{"… but not the one and then the other", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), read(3000, 2, "b"), read(5000, 1, "a")}},
		{"of two of unknown outcome one took place", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), write(11, "unknown", 1, "c"), read(3000, 2, "c"), write(4000, "ok", 2, "d")}},
		{"… not both", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), write(11, "unknown", 1, "c"), read(3000, 2, "c"), read(5000, 2, "b")}},
		{"… and nobody has seen it", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), write(11, "unknown", 1, "c"), write(4000, "ok", 2, "d")}},
		{"… which is not the one that was acknowledged", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "unknown", 1, "b"), write(20, "ok", 1, "c"), write(4000, "ok", 3, "d")}},
		{"a value nobody wrote", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), read(3000, 2, "c")}},
		{"a value that is newer than its version", "setting", porcupine.Ok, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), read(3000, 1, "b")}},
		{"a version that is newer than its value", "setting", porcupine.Illegal, []string{read(0, 1, "a"), write(10, "ok", 1, "b"), read(12, 2, "a")}},
		{"a token within the second", "token", porcupine.Ok, []string{use(0, "accepted"), signOut(10, "ok"), use(900, "accepted"), use(950, "refused")}},
		{"a token after the second", "token", porcupine.Illegal, []string{signOut(10, "ok"), use(1100, "accepted")}},
		{"a token that is refused too early", "token", porcupine.Illegal, []string{use(0, "refused"), signOut(10, "ok")}},
		{"a token that comes back to life", "token", porcupine.Illegal, []string{signOut(10, "unknown"), use(1100, "refused"), use(2300, "accepted")}},
		{"stopped, and alive afterwards", "run", porcupine.Illegal, []string{use(0, "alive"), stop(10, "ok"), use(1100, "alive")}},
		{"stopped", "run", porcupine.Ok, []string{use(0, "alive"), stop(10, "ok"), use(1100, "ended 7"), use(3000, "ended 7")}},
		{"two ends", "run", porcupine.Illegal, []string{use(0, "ended 7"), stop(10, "ok"), use(1100, "ended 8")}},
		{"alive after its end", "run", porcupine.Illegal, []string{use(0, "ended 7"), use(1100, "alive")}},
	}
	for _, test := range tests {
		t.Run(test.model+": "+test.name, func(t *testing.T) {
			if got := verdict(t, test.model, time.Second, strings.Join(test.lines, "\n")); got != test.want {
				t.Errorf("%s instead of %s", got, test.want)
			}
		})
	}
}
