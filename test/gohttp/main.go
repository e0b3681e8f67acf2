// Asks HTTP servers as the kubelet does (pkg/probe/http with its defaults), for the tests of httpGet.
// A URL per line comes in; for each, a line goes out: success, warning, failure (what the kubelet counts against a
// container) or error (what it throws away), then the cause.
package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const maxBody = 10 * 1024

func main() {
	client := newClient()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		result, cause := probe(client, lines.Text())
		fmt.Printf("%s %q\n", result, cause)
	}
}

func newClient() *http.Client {
	return &http.Client{
		Timeout: time.Second,
		Transport: &http.Transport{
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives:  true,
			DisableCompression: true,
		},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if request.URL.Hostname() != via[0].URL.Hostname() {
				return http.ErrUseLastResponse
			}
			if len(via) >= 10 {
				return errors.New("stopped after 10 redirects")
			}
			return nil
		},
	}
}

func probe(client *http.Client, url string) (result, cause string) {
	response, err := client.Get(url)
	if err != nil {
		return "failure", err.Error()
	}
	defer response.Body.Close()
	if _, err := io.CopyN(io.Discard, response.Body, maxBody); err != nil && err != io.EOF {
		return "error", err.Error()
	}
	switch status := response.StatusCode; {
	case status < 200 || status >= 400:
		return "failure", response.Status
	case status >= 300:
		return "warning", response.Status
	default:
		return "success", response.Status
	}
}
