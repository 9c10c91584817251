package main

import "github.com/spf13/cobra"

func newLink() *cobra.Command {
	return group("link", "Make, watch, pause and remove links",
		newLinkCreate(), newLinkList(), newLinkShow(), newLinkPause(), newLinkResume(), newLinkDelete())
}
