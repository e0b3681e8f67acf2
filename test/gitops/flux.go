package main

import (
	"encoding/json"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// healthCheckExprs of Flux, by the rules of its RFC 0009.

type checked struct {
	InProgress string          `json:"inProgress"`
	Failed     string          `json:"failed"`
	Current    string          `json:"current"`
	Object     json.RawMessage `json:"object"`
}

// The first that holds: another observedGeneration is InProgress, then inProgress, failed and current; none is InProgress.
// An error, such as a missing field without has(), is Unknown: Flux waits, and reports the error when it times out.
func flux(raw json.RawMessage) (any, error) {
	var given checked
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &given); err != nil {
		return nil, err
	}
	if err := object.UnmarshalJSON(given.Object); err != nil {
		return nil, err
	}
	observed, found, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if err == nil && found && observed != object.GetGeneration() {
		return result{"InProgress", ""}, nil
	}
	for _, each := range []struct{ expression, status string }{
		{given.InProgress, "InProgress"}, {given.Failed, "Failed"}, {given.Current, "Current"},
	} {
		if each.expression == "" {
			continue
		}
		program, err := compile(each.expression)
		if err != nil {
			return nil, err
		}
		value, _, err := program.Eval(object.Object)
		if err != nil {
			return result{"Unknown", err.Error()}, nil
		}
		if value == types.True {
			return result{each.status, ""}, nil
		}
	}
	return result{"InProgress", ""}, nil
}

// Flux parses expressions and does not check them, because resources have other fields than metadata, spec and status.
func compile(expression string) (cel.Program, error) {
	environment, err := cel.NewEnv(cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true), cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(),
		ext.Sets(), ext.Encoders())
	if err != nil {
		return nil, err
	}
	parsed, issues := environment.Parse(expression)
	if issues != nil && issues.Err() != nil {
		return nil, issues.Err()
	}
	return environment.Program(parsed)
}
