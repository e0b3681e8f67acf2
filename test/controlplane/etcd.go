package main

import (
	"flag"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

func init() { parts["etcd"] = etcd }

// etcd keeps its data without fsync: a test's storage need not outlive the machine.
func etcd() {
	dir := flag.String("data-dir", "", "where the data lies")
	client := flag.String("client-url", "http://127.0.0.1:2379", "address for clients")
	peer := flag.String("peer-url", "http://127.0.0.1:2380", "address for peers")
	flag.Parse()

	config := embed.NewConfig()
	config.Dir = *dir
	config.UnsafeNoFsync = true
	config.LogLevel = "warn"
	config.AutoCompactionMode = "periodic"
	config.AutoCompactionRetention = "5m"
	config.QuotaBackendBytes = 4 << 30
	config.ListenClientUrls = urls(*client)
	config.AdvertiseClientUrls = urls(*client)
	config.ListenPeerUrls = urls(*peer)
	config.AdvertisePeerUrls = urls(*peer)
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	server, err := embed.StartEtcd(config)
	if err != nil {
		fail(err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(time.Minute):
		server.Server.Stop()
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-server.Err():
		fail(err)
	case <-asked:
		server.Close()
	}
}

func urls(text string) []url.URL {
	parsed, err := url.Parse(text)
	if err != nil {
		fail(err)
	}
	return []url.URL{*parsed}
}
