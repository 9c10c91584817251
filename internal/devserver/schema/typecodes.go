package schema

// typeCodes are the ObjectTypeCodes of Dataverse, the same in every environment. Custom tables
// have codes from 10000 on, which differ.
var typeCodes = map[string]int{
	"account": 1, "contact": 2, "opportunity": 3, "lead": 4, "annotation": 5, "owner": 7,
	"systemuser": 8, "team": 9, "businessunit": 10, "accountleads": 16, "contactleads": 22,
	"teammembership": 23, "opportunitycompetitors": 25, "leadproduct": 27, "position": 50,
	"incident": 112, "competitor": 123, "activityparty": 135, "contract": 1010,
	"organization": 1019, "pricelevel": 1022, "product": 1024, "productpricelevel": 1026,
	"uom": 1055, "uomschedule": 1056, "customeraddress": 1071, "opportunityproduct": 1083,
	"quote": 1084, "quotedetail": 1085, "salesorder": 1088, "salesorderdetail": 1089,
	"invoice": 1090, "invoicedetail": 1091, "territory": 2013, "queue": 2020, "queueitem": 2029,
	"connectionrole": 3231, "connection": 3234, "activitypointer": 4200, "appointment": 4201,
	"email": 4202, "fax": 4204, "letter": 4207, "phonecall": 4210, "task": 4212, "list": 4300,
	"listmember": 4301, "campaign": 4400, "sdkmessage": 4606, "sdkmessagefilter": 4607,
	"sdkmessageprocessingstep": 4608, "serviceendpoint": 4618, "asyncoperation": 4700,
	"transactioncurrency": 9105, "entitlement": 9700, "sla": 9750, "knowledgearticle": 9953,
}
