package schema

// customTables bring what no standard table has: wall-clock dates, multi-select choices, decimals
// of ten digits, very long text; a table that could be tracked and is not; one that never can be.
func customTables() []*Table {
	return []*Table{device(), deviceContact(), visit(), systemLog()}
}

// customTable is a custom table with key, name and the standard columns around its own.
func customTable(schemaName, entitySet, displayName, ownership string, own ...*Column) *Table {
	t := newTable(schemaName, entitySet, displayName, ownership)
	t.Custom, t.CanTrack = true, true
	t.PrimaryName = "new_name"
	name := stringColumn("new_Name", "Name", 100)
	name.RequiredLevel = "ApplicationRequired"
	t.Columns = append([]*Column{keyColumn(schemaName+"Id", displayName), name}, StandardColumns(ownership)...)
	for _, c := range own {
		c.Custom = true
		t.Columns = append(t.Columns, c)
	}
	t.Columns[0].Custom, name.Custom = true, true
	return t
}

func device() *Table {
	capabilities := column("new_Capabilities", "Capabilities", MultiSelectPicklist)
	for i, label := range []string{"Wi-Fi", "Bluetooth", "Cellular", "GPS", "Camera", "Temperature", "Humidity", "Vibration"} {
		capabilities.Options = append(capabilities.Options, Option{Value: 100000000 + i, Label: label})
	}
	reading := column("new_Reading", "Last Reading", Decimal)
	reading.MinValue, reading.MaxValue, reading.Precision = minDecimal, maxDecimal, 10
	customer := column("new_CustomerId", "Customer", Customer)
	customer.Targets = []string{"account", "contact"}

	t := customTable("new_Device", "new_devices", "Device", "UserOwned",
		stringColumn("new_SerialNumber", "Serial Number", 40),
		dateColumn("new_CommissionedOn", "Commissioned On", "DateOnly", DateOnly),
		dateColumn("new_ServiceWindow", "Service Window", "DateAndTime", TimeZoneIndependent),
		capabilities, reading,
		lookupColumn("new_AccountId", "Account", "account"),
		customer, companion(customer, "new_CustomerIdType"),
		memoColumn("new_Notes", "Notes", 1048576),
		boolColumn("new_Active", "Active", "In use", "Out of use"),
		choiceColumn("new_Kind", "Kind",
			Option{Value: 100000000, Label: "Sensor"}, Option{Value: 100000001, Label: "Gateway"}, Option{Value: 100000002, Label: "Meter"},
			Option{Value: 100000003, Label: "Controller"}, Option{Value: 100000004, Label: "Display"}))
	t.TypeCode, t.ChangeTracked = 10001, true
	return t
}

func deviceContact() *Table {
	t := newTable("new_Device_Contact", "new_device_contactset", "Device Contact", "None")
	t.TypeCode, t.Custom, t.Intersect, t.ChangeTracked, t.CanTrack = 10002, true, true, true, true
	t.Columns = []*Column{
		keyColumn("new_Device_ContactId", "Device Contact"),
		required(guidColumn("new_DeviceId", "Device")),
		required(guidColumn("ContactId", "Contact")),
		versionColumn(),
	}
	return t
}

// visit can be tracked and is not, as every custom table begins.
func visit() *Table {
	t := customTable("new_Visit", "new_visits", "Visit", "UserOwned",
		dateColumn("new_VisitedOn", "Visited On", "DateAndTime", UserLocal),
		lookupColumn("new_AccountId", "Account", "account"),
		lookupColumn("new_DeviceId", "Device", "new_device"),
		memoColumn("new_Report", "Report", 10000))
	t.TypeCode = 10003
	return t
}

// systemLog can never be tracked, like the platform's locked tables.
func systemLog() *Table {
	level := choiceColumn("new_Level", "Level",
		Option{Value: 100000000, Label: "Information"}, Option{Value: 100000001, Label: "Warning"}, Option{Value: 100000002, Label: "Error"})
	t := customTable("new_SystemLog", "new_systemlogs", "System Log", "OrganizationOwned",
		level,
		dateColumn("new_LoggedOn", "Logged On", "DateAndTime", UserLocal),
		memoColumn("new_Message", "Message", 100000))
	t.TypeCode, t.CanTrack = 10004, false
	return t
}
