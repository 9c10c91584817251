package main

import "github.com/spf13/cobra"

func newDataverse() *cobra.Command {
	cmd := &cobra.Command{Use: "dataverse", Short: "Run a local Dataverse environment"}
	cmd.AddCommand(newDataverseServe())
	return cmd
}
