package main

import (
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func init() { parts["promlint"] = lintMetrics }

// lintMetrics is `promtool check metrics`: the same linter over standard input.
func lintMetrics() {
	problems, err := promlint.New(os.Stdin).Lint()
	if err != nil {
		fail(err)
	}
	for _, problem := range problems {
		fmt.Println(problem.Metric, problem.Text)
	}
	if len(problems) > 0 {
		os.Exit(3)
	}
}
