// Answers TLS handshakes, and reads until the client ends: main ADDRESS CERT_AND_KEY.
package main

import (
	"crypto/tls"
	"io"
	"net"
	"os"
)

func main() {
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[2])
	if err != nil {
		panic(err)
	}
	listener, err := tls.Listen("tcp", os.Args[1], &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(connection)
	}
}

func serve(connection net.Conn) {
	_, _ = io.Copy(io.Discard, connection)
	connection.Close()
}
