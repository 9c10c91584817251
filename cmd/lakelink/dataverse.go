package main

import "github.com/spf13/cobra"

func newDataverse() *cobra.Command {
	return group("dataverse", "Run a local Dataverse environment", newDataverseServe())
}
