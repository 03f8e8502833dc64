// Checks a recorded history with porcupine: is there an order in which each operation took place at one moment between its call and
// its return, such that every outcome is what the model says?
//
//	linear -model setting|token|run [-stale 1s] [-timeout 60s] [-picture FILE.html] < history.jsonl
//
// Ends with 0 when there is, 1 when there is none, 2 when it cannot say; prints one line.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/anishathalye/porcupine"
)

func main() {
	name := flag.String("model", "", "setting, token or run")
	stale := flag.Duration("stale", time.Second, "how old what a read shows may be")
	timeout := flag.Duration("timeout", time.Minute, "after which it cannot say")
	picture := flag.String("picture", "", "where to draw a history that is refused")
	flag.Parse()
	code, err := check(*name, *stale, *timeout, *picture)
	if err != nil {
		fmt.Fprintln(os.Stderr, "linear:", err)
	}
	os.Exit(code)
}

func check(name string, stale, timeout time.Duration, picture string) (int, error) {
	model, known := models[name]
	if !known {
		return 2, fmt.Errorf("no model %q", name)
	}
	records, away, err := Read(os.Stdin)
	if err != nil {
		return 2, err
	}
	if len(records) == 0 {
		return 2, fmt.Errorf("an empty history")
	}
	result, info := porcupine.CheckOperationsVerbose(model, Operations(records, away, stale.Nanoseconds()), timeout)
	fmt.Printf("%s: %s, %d operations\n", name, result, len(records))
	switch result {
	case porcupine.Ok:
		return 0, nil
	case porcupine.Unknown:
		return 2, nil
	}
	if picture != "" {
		err = porcupine.VisualizePath(model, info, picture)
	}
	return 1, err
}
