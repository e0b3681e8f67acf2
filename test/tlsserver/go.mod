module tlsserver

go 1.24
