// The real control plane as one program: the first argument picks the part.
// Kubernetes publishes its servers as Go packages; linking them here gives the
// tests and the demo the very code that runs in a cluster.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
)

// Kubernetes' own parts. Files beside this one add theirs; a build for another
// version of Kubernetes (build.sh) has this file alone.
var parts = map[string]func(){
	"kube-apiserver":          func() { run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() { run(controllermanager.NewControllerManagerCommand()) },
	"kube-proxy":              func() { run(proxy.NewProxyCommand()) },
	"kubectl":                 func() { kubectlutil.CheckErr(cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand())) },
}

func main() {
	if len(os.Args) < 2 || parts[os.Args[1]] == nil {
		var names []string
		for name := range parts {
			names = append(names, name)
		}
		slices.Sort(names)
		fail(fmt.Errorf("the first argument names the part: %s", strings.Join(names, ", ")))
	}
	part := parts[os.Args[1]]
	os.Args = os.Args[1:]
	part()
}

func run(command *cobra.Command) { os.Exit(cli.Run(command)) }

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
