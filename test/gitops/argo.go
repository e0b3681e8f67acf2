package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"
	luajson "layeh.com/gopher-json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Scripts of Argo CD as its controller runs them: Lua 5.1 with the libraries base, table and package, `os` with `time` and
// `date` behind require, and one second. `string`, `math` and `io` do not exist.

type script struct {
	Script string            `json:"script"`
	Object json.RawMessage   `json:"object"`
	Params map[string]string `json:"params"`
	// Seconds since 1970 that os.time returns; 0: the clock.
	Now int64 `json:"now"`
}

var healthStatuses = map[string]bool{
	"Healthy": true, "Progressing": true, "Degraded": true, "Suspended": true, "Missing": true, "Unknown": true,
}

// Argo CD reports a resource that is being deleted as Progressing, and does not run the script.
func argoHealth(raw json.RawMessage) (any, error) {
	given, object, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if object.GetDeletionTimestamp() != nil {
		return result{"Progressing", "Pending deletion"}, nil
	}
	encoded, err := runLua(given, object)
	if err != nil {
		return nil, err
	}
	var health result
	if err := json.Unmarshal(encoded, &health); err != nil {
		return nil, err
	}
	if !healthStatuses[health.Status] {
		return nil, fmt.Errorf("%q is no health status", health.Status)
	}
	return health, nil
}

// The actions that discovery.lua returns, by name. Lua does not know whether an empty table is a list.
func argoActions(raw json.RawMessage) (any, error) {
	given, object, err := parse(raw)
	if err != nil {
		return nil, err
	}
	encoded, err := runLua(given, object)
	if err != nil || string(encoded) == "[]" {
		return map[string]any{}, err
	}
	actions := map[string]any{}
	if err := json.Unmarshal(encoded, &actions); err != nil {
		return nil, err
	}
	for name, action := range actions {
		if _, ok := action.(map[string]any); !ok {
			actions[name] = map[string]any{}
		}
	}
	return actions, nil
}

// The object that an action returns, or the error with which it ends.
func argoAction(raw json.RawMessage) (any, error) {
	given, object, err := parse(raw)
	if err != nil {
		return nil, err
	}
	encoded, err := runLua(given, object)
	if err != nil {
		return map[string]any{"error": err.Error()}, nil
	}
	var changed map[string]any
	if err := json.Unmarshal(encoded, &changed); err != nil {
		return nil, err
	}
	return map[string]any{"object": restoreEmpty(changed, object.Object)}, nil
}

func parse(raw json.RawMessage) (script, *unstructured.Unstructured, error) {
	var given script
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(raw, &given); err != nil {
		return given, nil, err
	}
	return given, object, object.UnmarshalJSON(given.Object)
}

func runLua(given script, object *unstructured.Unstructured) ([]byte, error) {
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	// Package is first, as its own loader requires.
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(library.open), Protect: true}, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	l.PreloadModule(lua.OsLibName, safeOs(given.Now))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	l.SetContext(ctx)
	l.SetGlobal("obj", luaValue(l, object.Object))
	params := l.NewTable()
	for name, value := range given.Params {
		params.RawSetString(name, lua.LString(value))
	}
	l.SetGlobal("actionParams", params)
	if err := l.DoString(given.Script); err != nil {
		return nil, err
	}
	if l.Get(-1).Type() != lua.LTTable {
		return nil, fmt.Errorf("the script returns no table")
	}
	return luajson.Encode(l.Get(-1))
}

// `date` is left out: that of Argo CD differs from Lua's for other times than now.
func safeOs(now int64) lua.LGFunction {
	if now == 0 {
		now = time.Now().Unix()
	}
	current := func(l *lua.LState) int {
		l.Push(lua.LNumber(now))
		return 1
	}
	return func(l *lua.LState) int {
		l.Push(l.SetFuncs(l.NewTable(), map[string]lua.LGFunction{"time": current}))
		return 1
	}
}

// Numbers of a controller are int64, which gopher-json does not know.
func luaValue(l *lua.LState, value any) lua.LValue {
	switch is := value.(type) {
	case int64:
		return lua.LNumber(is)
	case []any:
		list := l.CreateTable(len(is), 0)
		for _, item := range is {
			list.Append(luaValue(l, item))
		}
		return list
	case map[string]any:
		table := l.CreateTable(0, len(is))
		for key, item := range is {
			table.RawSetString(key, luaValue(l, item))
		}
		return table
	}
	return luajson.DecodeValue(l, value)
}

// An empty object comes back from Lua as an empty list. Argo CD restores it from the original.
func restoreEmpty(after, before any) any {
	switch is := after.(type) {
	case map[string]any:
		if was, ok := before.(map[string]any); ok {
			for key, value := range is {
				is[key] = restoreEmpty(value, was[key])
			}
		}
	case []any:
		if was, ok := before.(map[string]any); ok && len(is) == 0 {
			return was
		}
		if was, ok := before.([]any); ok {
			for i := range is {
				if i < len(was) {
					is[i] = restoreEmpty(is[i], was[i])
				}
			}
		}
	}
	return after
}
