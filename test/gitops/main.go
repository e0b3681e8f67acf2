// What GitOps tools make of resources, by their own libraries. Each subcommand reads a JSON array from standard input and
// writes one with an entry for each entry:
//
//	kstatus     resource                        -> {"status", "message"}, as Flux and Helm wait for it
//	threeway    {original, modified, current}   -> the merge patch of kubectl and Argo CD; {} where there is no difference
//	argohealth  {script, object}                -> {"status", "message"}, as Argo CD runs health.lua
//	argoactions {script, object}                -> the actions of discovery.lua, by name
//	argoaction  {script, object, params}        -> {"object"} that action.lua returns, or {"error"}
//	flux        {inProgress, failed, current, object} -> {"status", "message"}, as Flux evaluates healthCheckExprs
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type merge struct {
	Original json.RawMessage `json:"original"`
	Modified json.RawMessage `json:"modified"`
	Current  json.RawMessage `json:"current"`
}

type result struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func kstatus(raw json.RawMessage) (any, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	computed, err := status.Compute(object)
	if err != nil {
		return nil, err
	}
	return result{string(computed.Status), computed.Message}, nil
}

func threeway(raw json.RawMessage) (any, error) {
	var m merge
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, err
	}
	patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(m.Original, m.Modified, m.Current)
	return json.RawMessage(patch), err
}

func run() error {
	commands := map[string]func(json.RawMessage) (any, error){
		"kstatus": kstatus, "threeway": threeway, "flux": flux,
		"argohealth": argoHealth, "argoactions": argoActions, "argoaction": argoAction,
	}
	if len(os.Args) != 2 || commands[os.Args[1]] == nil {
		return fmt.Errorf("usage: gitops kstatus|threeway|argohealth|argoactions|argoaction|flux")
	}
	var entries []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&entries); err != nil {
		return err
	}
	results := make([]any, 0, len(entries))
	for _, entry := range entries {
		result, err := commands[os.Args[1]](entry)
		if err != nil {
			return err
		}
		results = append(results, result)
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
