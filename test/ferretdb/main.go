// FerretDB on SQLite in memory: a server that speaks MongoDB's protocol, for the tests of its probe.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	plain := flag.String("listen", "", "address for clients")
	secure := flag.String("listen-tls", "", "address for clients that speak TLS")
	certificate := flag.String("certificate", "", "file of the server's certificate")
	key := flag.String("key", "", "file of its key")
	authority := flag.String("authority", "", "file of the authority that client certificates must be of")
	flag.Parse()

	server, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{
			TCP: *plain, TLS: *secure, TLSCertFile: *certificate, TLSKeyFile: *key, TLSCAFile: *authority,
		},
		Handler:   "sqlite",
		SQLiteURL: "file:./?mode=memory",
	})
	if err != nil {
		log.Fatal(err)
	}
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := server.Run(asked); err != nil {
		log.Fatal(err)
	}
}
