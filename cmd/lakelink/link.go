package main

import "github.com/spf13/cobra"

func newLink() *cobra.Command {
	cmd := &cobra.Command{Use: "link", Short: "Make, watch, pause and remove links"}
	cmd.AddCommand(newLinkCreate(), newLinkList(), newLinkShow(), newLinkPause(), newLinkResume(), newLinkDelete())
	return cmd
}
