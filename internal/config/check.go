package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"lakelink"
)

// The bounds of what can be asked for.
const (
	minMemory    = 64 << 20
	maxLoads     = 64
	minObjective = time.Second
	minPoll      = 100 * time.Millisecond
	maxPoll      = 24 * time.Hour
)

// Check reports the first thing that is wrong. Declared links have been checked one by one when they were
// read; here it is what they are together.
func (c *Config) Check() error {
	for _, check := range []func() error{c.checkAddr, c.checkPublicURL, c.checkBounds, c.checkLog, c.checkLinks} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkAddr() error {
	host, port, err := net.SplitHostPort(c.Addr)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || n > 65535 {
		return fmt.Errorf("addr: %q is not an address such as 127.0.0.1:7780", c.Addr)
	}
	if c.APIToken != "" {
		if c.APIToken.Validate() != nil { // which speaks of a client secret
			return errors.New("apiToken: not a reference; give env:NAME or file:PATH, never the token itself")
		}
		return nil
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("addr: %s can be reached from other machines; give an apiToken, or listen on 127.0.0.1", c.Addr)
	}
	return nil
}

func (c *Config) checkPublicURL() error {
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("publicUrl: %q is not an address such as https://lakelink.contoso.com", c.PublicURL)
	}
	return nil
}

func (c *Config) checkBounds() error {
	low, high := time.Duration(c.PollMin), time.Duration(c.PollMax)
	switch {
	case c.Data == "":
		return errors.New("data: no directory")
	case c.Memory < minMemory:
		return fmt.Errorf("memory: %s is less than %s", c.Memory, Size(minMemory))
	case c.MaxLoads < 1 || c.MaxLoads > maxLoads:
		return fmt.Errorf("maxLoads: %d is not between 1 and %d", c.MaxLoads, maxLoads)
	case time.Duration(c.LagObjective) < minObjective:
		return fmt.Errorf("lagObjective: %s is less than %s", time.Duration(c.LagObjective), minObjective)
	case low < minPoll || high > maxPoll:
		return fmt.Errorf("pollMin, pollMax: %s to %s is not between %s and %s", low, high, minPoll, maxPoll)
	case high < low:
		return fmt.Errorf("pollMax: %s is less than pollMin, %s", high, low)
	}
	return nil
}

func (c *Config) checkLog() error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		return fmt.Errorf("log.level: %q is not one of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("log.format: %q is neither text nor json", c.Log.Format)
	}
	return nil
}

func (c *Config) checkLinks() error {
	names, lakes := map[lakelink.LinkName]bool{}, map[string]lakelink.LinkName{}
	for _, l := range c.Links {
		if names[l.Name] {
			return fmt.Errorf("links: %s is declared twice", l.Name)
		}
		names[l.Name] = true
		if other, taken := lakes[l.Lake]; taken {
			return fmt.Errorf("links: %s and %s have the same lake, %s; give each its own folder", other, l.Name, l.Lake)
		}
		lakes[l.Lake] = l.Name
	}
	return nil
}
