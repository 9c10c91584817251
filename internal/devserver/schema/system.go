package schema

import "strings"

// systemTables are the tables behind webhooks (spec §7). Their rows belong to the platform: they
// are read and written like others and are never tracked.
func systemTables() []*Table {
	return []*Table{serviceEndpoint(), sdkMessage(), sdkMessageFilter(), processingStep(), asyncOperation()}
}

func systemTable(schemaName, entitySet, displayName, ownership string, columns ...*Column) *Table {
	t := newTable(schemaName, entitySet, displayName, ownership)
	t.PrimaryName = "name"
	t.Columns = append([]*Column{keyColumn(schemaName+"Id", displayName)}, columns...)
	return t
}

// newTable is a table without columns, neither tracked nor trackable.
func newTable(schemaName, entitySet, displayName, ownership string) *Table {
	t := &Table{SchemaName: schemaName, EntitySet: entitySet, DisplayName: displayName, Ownership: ownership}
	t.LogicalName = strings.ToLower(schemaName)
	t.PrimaryID = t.LogicalName + "id"
	t.TypeCode = typeCodes[t.LogicalName]
	return t
}

// stamps are the columns a system table tells its making with.
func stamps() []*Column {
	return []*Column{
		readOnly(dateColumn("CreatedOn", "Created On", "DateAndTime", UserLocal)),
		readOnly(lookupColumn("CreatedBy", "Created By", "systemuser")),
		readOnly(dateColumn("ModifiedOn", "Modified On", "DateAndTime", UserLocal)),
		readOnly(lookupColumn("ModifiedBy", "Modified By", "systemuser")),
		readOnly(lookupColumn("CreatedOnBehalfBy", "Created By (Delegate)", "systemuser")),
		readOnly(lookupColumn("ModifiedOnBehalfBy", "Modified By (Delegate)", "systemuser")),
		readOnly(lookupColumn("OrganizationId", "Organization", "organization")),
		versionColumn(),
	}
}

func serviceEndpoint() *Table {
	return systemTable("ServiceEndpoint", "serviceendpoints", "Service Endpoint", "OrganizationOwned", append([]*Column{
		required(stringColumn("Name", "Name", 100)),
		stringColumn("Description", "Description", 2000),
		stringColumn("Url", "Url", 2000),
		required(choiceColumn("Contract", "Contract",
			Option{Value: 1, Label: "OneWay"}, Option{Value: 2, Label: "Queue"}, Option{Value: 3, Label: "Rest"},
			Option{Value: 4, Label: "TwoWay"}, Option{Value: 5, Label: "Topic"}, Option{Value: 6, Label: "Queue (Persistent)"},
			Option{Value: 7, Label: "Event Hub"}, Option{Value: 8, Label: "Webhook"}, Option{Value: 9, Label: "Event Grid"},
			Option{Value: 10, Label: "Managed Data Lake"})),
		required(choiceColumn("AuthType", "Authentication Type",
			Option{Value: 1, Label: "ACS"}, Option{Value: 2, Label: "SAS Key"}, Option{Value: 3, Label: "SAS Token"},
			Option{Value: 4, Label: "Webhook Key"}, Option{Value: 5, Label: "Http Header"}, Option{Value: 6, Label: "Http Query String"})),
		stringColumn("AuthValue", "Authentication Value", 4000),
		readOnly(boolColumn("IsAuthValueSet", "Is Authentication Value Set", "Yes", "No")),
		choiceColumn("ConnectionMode", "Connection Mode", Option{Value: 1, Label: "Normal"}, Option{Value: 2, Label: "Federated"}),
		choiceColumn("MessageFormat", "Message Format",
			Option{Value: 1, Label: "Binary XML"}, Option{Value: 2, Label: "Json"}, Option{Value: 3, Label: "Text XML"}),
		choiceColumn("MessageCharset", "Message Charset",
			Option{Value: 0, Label: "Default"}, Option{Value: 1, Label: "UTF-8"}, Option{Value: 2, Label: "Windows 1252"}),
		stringColumn("NamespaceAddress", "Namespace Address", 160),
		stringColumn("SolutionNamespace", "Solution Namespace", 160),
		stringColumn("Path", "Path", 160),
		choiceColumn("UserClaim", "User Claim",
			Option{Value: 1, Label: "None"}, Option{Value: 2, Label: "User Id"}, Option{Value: 3, Label: "User Info"}),
	}, stamps()...)...)
}

func sdkMessage() *Table {
	return systemTable("SdkMessage", "sdkmessages", "Sdk Message", "OrganizationOwned", append([]*Column{
		stringColumn("Name", "Name", 256),
		stringColumn("CategoryName", "Category Name", 25),
		integerColumn("Availability", "Availability", minInt32, maxInt32),
		boolColumn("AutoTransact", "Auto Transact", "Yes", "No"),
		boolColumn("IsActive", "Is Active", "Yes", "No"),
		boolColumn("IsPrivate", "Is Private", "Yes", "No"),
		boolColumn("IsReadOnly", "Intent", "Yes", "No"),
		readOnly(boolColumn("IsValidForExecuteAsync", "Is Valid for Execute Async", "Yes", "No")),
		boolColumn("Template", "Template", "Yes", "No"),
		readOnly(boolColumn("WorkflowSdkStepEnabled", "WorkflowSdkStepEnabled", "Yes", "No")),
		readOnly(guidColumn("SdkMessageIdUnique", "Unique")),
	}, stamps()...)...)
}

func sdkMessageFilter() *Table {
	return systemTable("SdkMessageFilter", "sdkmessagefilters", "Sdk Message Filter", "OrganizationOwned", append([]*Column{
		stringColumn("Name", "Name", 256),
		lookupColumn("SdkMessageId", "SDK Message", "sdkmessage"),
		readOnly(column("PrimaryObjectTypeCode", "Primary Object Type Code", EntityName)),
		readOnly(column("SecondaryObjectTypeCode", "Secondary Object Type Code", EntityName)),
		integerColumn("Availability", "Availability", minInt32, maxInt32),
		boolColumn("IsCustomProcessingStepAllowed", "Custom Processing Step Allowed", "Yes", "No"),
		readOnly(boolColumn("IsVisible", "Is Visible", "Yes", "No")),
		integerColumn("RestrictionLevel", "Restriction Level", minInt32, maxInt32),
		boolColumn("WorkflowSdkStepEnabled", "WorkflowSdkStepEnabled", "Yes", "No"),
		readOnly(guidColumn("SdkMessageFilterIdUnique", "Unique")),
	}, stamps()...)...)
}

func processingStep() *Table {
	states := stateColumns()
	for i, label := range []string{"Enabled", "Disabled"} {
		states[0].Options[i].Label, states[1].Options[i].Label = label, label
	}
	columns := []*Column{
		stringColumn("Name", "Name", 256),
		stringColumn("Description", "Description", 256),
		required(choiceColumn("Mode", "Execution Mode", Option{Value: 0, Label: "Synchronous"}, Option{Value: 1, Label: "Asynchronous"})),
		required(choiceColumn("Stage", "Execution Stage",
			Option{Value: 5, Label: "Initial Pre-operation (For internal use only)"}, Option{Value: 10, Label: "Pre-validation"},
			Option{Value: 20, Label: "Pre-operation"}, Option{Value: 30, Label: "Main Operation (For internal use only)"},
			Option{Value: 40, Label: "Post-operation"}, Option{Value: 50, Label: "Post-operation (Deprecated)"})),
		required(integerColumn("Rank", "Execution Order", minInt32, maxInt32)),
		boolColumn("AsyncAutoDelete", "Asynchronous Automatic Delete", "Yes", "No"),
		required(choiceColumn("SupportedDeployment", "Deployment",
			Option{Value: 0, Label: "Server Only"}, Option{Value: 1, Label: "Microsoft Dynamics 365 Client for Outlook Only"}, Option{Value: 2, Label: "Both"})),
		memoColumn("FilteringAttributes", "Filtering Attributes", 100000),
		stringColumn("Configuration", "Configuration", 4000),
		lookupColumn("EventHandler", "Event Handler", "plugintype", "serviceendpoint"),
		required(lookupColumn("SdkMessageId", "SDK Message", "sdkmessage")),
		lookupColumn("SdkMessageFilterId", "SdkMessage Filter", "sdkmessagefilter"),
		lookupColumn("ImpersonatingUserId", "Impersonating User", "systemuser"),
		readOnly(guidColumn("SdkMessageProcessingStepIdUnique", "Unique")),
	}
	return systemTable("SdkMessageProcessingStep", "sdkmessageprocessingsteps", "Sdk Message Processing Step", "OrganizationOwned",
		append(append(columns, states...), stamps()...)...)
}

func asyncOperation() *Table {
	state := required(column("StateCode", "Status", State))
	state.Options = []Option{
		{Value: 0, Label: "Ready", DefaultStatus: 0}, {Value: 1, Label: "Suspended", DefaultStatus: 10},
		{Value: 2, Label: "Locked", DefaultStatus: 20}, {Value: 3, Label: "Completed", DefaultStatus: 30},
	}
	status := column("StatusCode", "Status Reason", Status)
	status.Options = []Option{
		{Value: 0, Label: "Waiting For Resources", State: 0}, {Value: 10, Label: "Waiting", State: 1},
		{Value: 20, Label: "In Progress", State: 2}, {Value: 21, Label: "Pausing", State: 2}, {Value: 22, Label: "Canceling", State: 2},
		{Value: 30, Label: "Succeeded", State: 3}, {Value: 31, Label: "Failed", State: 3}, {Value: 32, Label: "Canceled", State: 3},
	}
	return systemTable("AsyncOperation", "asyncoperations", "System Job", "UserOwned", append([]*Column{
		stringColumn("Name", "System Job Name", 256),
		choiceColumn("OperationType", "System Job Type",
			Option{Value: 1, Label: "System Event"}, Option{Value: 10, Label: "Workflow"}, Option{Value: 13, Label: "Bulk Delete"},
			Option{Value: 54, Label: "Execute Async Request"}),
		state, status,
		stringColumn("MessageName", "Message Name", 160),
		memoColumn("Message", "Message", 1048576),
		memoColumn("FriendlyMessage", "Friendly message", 1048576),
		integerColumn("ErrorCode", "Error Code", minInt32, maxInt32),
		column("PrimaryEntityType", "Primary Entity Type", EntityName),
		guidColumn("CorrelationId", "Correlation Id"),
		guidColumn("RequestId", "Request"),
		integerColumn("Depth", "Depth", minInt32, maxInt32),
		integerColumn("RetryCount", "Retry Count", minInt32, maxInt32),
		dateColumn("StartedOn", "Started On", "DateAndTime", UserLocal),
		dateColumn("CompletedOn", "Completed On", "DateAndTime", UserLocal),
		dateColumn("PostponeUntil", "Postpone Until", "DateAndTime", UserLocal),
		lookupColumn("OwningExtensionId", "Owning Extension", "sdkmessageprocessingstep"),
		lookupColumn("RegardingObjectId", "Regarding", regardingTables...),
	}, ownedStamps()...)...)
}

// ownedStamps are stamps for a table whose rows have owners.
func ownedStamps() []*Column {
	owner := required(column("OwnerId", "Owner", Owner))
	owner.Targets = []string{"systemuser", "team"}
	return []*Column{
		readOnly(dateColumn("CreatedOn", "Created On", "DateAndTime", UserLocal)),
		readOnly(lookupColumn("CreatedBy", "Created By", "systemuser")),
		readOnly(dateColumn("ModifiedOn", "Modified On", "DateAndTime", UserLocal)),
		readOnly(lookupColumn("ModifiedBy", "Modified By", "systemuser")),
		owner, companion(owner, "OwnerIdType"),
		readOnly(lookupColumn("OwningBusinessUnit", "Owning Business Unit", "businessunit")),
		readOnly(lookupColumn("OwningUser", "Owning User", "systemuser")),
		readOnly(lookupColumn("OwningTeam", "Owning Team", "team")),
		versionColumn(),
	}
}
