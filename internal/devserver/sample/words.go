package sample

// A name is a person's, first and last, in the script of its owner.
type name struct{ first, last string }

// latinFirst and latinLast are combined freely; the other names are whole.
var latinFirst = []string{
	"Adele", "Aïcha", "Alex", "Ana", "Anders", "Astrid", "Beatriz", "Björn", "Carlos", "Chloé", "Christa", "Dario", "Diego",
	"Dušan", "Ece", "Elif", "Emma", "Enrico", "Esteban", "Fatima", "Femke", "François", "Frida", "Giulia", "Grady", "Hanna",
	"Henrietta", "Ingrid", "Isaiah", "Isolde", "Jürgen", "João", "Jordan", "Kai", "Katarzyna", "Kwame", "Lars", "Léa", "Lidia",
	"Łukasz", "Maëlle", "Magnus", "María", "Matteo", "Megan", "Miriam", "Nestor", "Niamh", "Nguyễn", "Øyvind", "Olivia", "Öykü",
	"Patti", "Pavel", "Pradeep", "Quincy", "Raul", "Renée", "Robin", "Ruairí", "Sean", "Siobhán", "Søren", "Stefan", "Tomáš",
	"Tyler", "Ulla", "Vance", "Wanjiru", "Xavier", "Yara", "Yvonne", "Zoë", "Żaneta",
}

var latinLast = []string{
	"Abbas", "Almeida", "Åkesson", "Barnhill", "Bianchi", "Björkman", "Brož", "Çelik", "Chapman", "Costa", "D'Angelo", "Dietrich",
	"Doe", "Dvořák", "Eriksson", "Fernández", "Fischer", "García Márquez", "Grönholm", "Haddad", "Hansen", "Horváth", "Ibáñez",
	"Jóhannsdóttir", "Kaya", "Kowalski", "Langer", "Leblanc", "Lindqvist", "MacLeod", "Madsen", "Martínez", "McKay", "Moreau",
	"Müller", "Muñoz", "Mwangi", "Nielsen", "Novák", "O'Brien", "O'Neill", "Okafor", "Öztürk", "Pereira", "Petrović", "Popescu",
	"Rossi", "Sánchez-Vega", "Schäfer", "Šimić", "Smith", "Sørensen", "Strauß", "Svensson", "Szabó", "Tremblay", "van den Berg",
	"van der Meer", "von Hohenberg", "Vance", "Walters", "Wilber", "Żukowska",
}

var wholeNames = []name{
	{"太郎", "山田"}, {"花子", "佐藤"}, {"さくら", "高橋"}, {"健一", "渡邉"}, {"伟", "王"}, {"芳", "李"}, {"秀英", "陳"},
	{"민준", "김"}, {"서연", "이"}, {"Юлия", "Иванова"}, {"Сергей", "Кузнецов"}, {"Олександра", "Шевченко"},
	{"Ελένη", "Παπαδοπούλου"}, {"Γιώργος", "Νικολάου"}, {"محمد", "الأحمد"}, {"فاطمة", "حسن"}, {"דוד", "כהן"}, {"שרה", "לוי"},
	{"अनिल", "शर्मा"}, {"प्रिया", "वर्मा"}, {"สมชาย", "ใจดี"}, {"தமிழ்", "செல்வன்"}, {"Nguyễn", "Thị Hồng"},
	{"Jose\u0301", "Nu\u0301n\u0303ez"}, {"Zoe\u0308", "A\u030angstro\u0308m"}, {"𠮷", "野家"},
}

var companyHeads = []string{
	"Adatum", "Alpine Ski House", "Bellows", "Best For You", "Blue Yonder", "Boulder Innovations", "Café Étoile", "City Power & Light",
	"Coho Winery", "Consolidated Messenger", "Contoso", "Datum", "Elektrowerke Süd", "Fabrikam", "First Up", "Fourth Coffee",
	"Graphic Design", "Humongous", "Île-de-France Logistique", "Jokkmokk Trä", "Košice Ocel", "Lamna Healthcare", "Liberty's Delightful",
	"Litware", "Lucerne Publishing", "Margie's Travel", "Munson's Pickles", "Nod", "Northwind", "O'Hara & Sons", "Proseware",
	"Relecloud", "School of Fine Art", "Smörgåsbord", "Southridge Video", "Tailspin Toys", "Trey Research", "VanArsdel", "Wide World",
	"Wingtip", "Woodgrove", "Ångström Optik", "東京精密", "上海电气", "서울전자", "Заря", "Αιγαίο", "النور", "शक्ति",
}

var companyTails = []string{
	"Ltd", "Inc.", "GmbH", "AG", "S.A.", "S.p.A.", "AB", "A/S", "Oy", "B.V.", "Sp. z o.o.", "s.r.o.", "LLC", "plc", "Pty Ltd",
	"株式会社", "有限公司", "Corporation", "Group", "Holding", "Traders", "Services", "Industries", "Werke", "& Co. KG", "Partners",
}

type place struct{ city, region, postal, country string }

var places = []place{
	{"Seattle", "WA", "98101", "United States"}, {"New York", "NY", "10001", "United States"}, {"Austin", "TX", "73301", "United States"},
	{"Toronto", "ON", "M5H 2N2", "Canada"}, {"Montréal", "QC", "H2Y 1C6", "Canada"}, {"São Paulo", "SP", "01310-100", "Brasil"},
	{"México D.F.", "CDMX", "06000", "México"}, {"London", "", "SW1A 1AA", "United Kingdom"}, {"Dublin", "Leinster", "D02 X285", "Ireland"},
	{"Paris", "Île-de-France", "75008", "France"}, {"München", "Bayern", "80331", "Deutschland"}, {"Köln", "NRW", "50667", "Deutschland"},
	{"Zürich", "ZH", "8001", "Schweiz"}, {"Wien", "", "1010", "Österreich"}, {"København", "", "1050", "Danmark"},
	{"Malmö", "Skåne", "211 20", "Sverige"}, {"Tromsø", "Troms", "9008", "Norge"}, {"Helsinki", "Uusimaa", "00100", "Suomi"},
	{"Kraków", "Małopolska", "31-042", "Polska"}, {"Plzeň", "", "301 00", "Česko"}, {"İstanbul", "", "34433", "Türkiye"},
	{"Αθήνα", "Αττική", "105 57", "Ελλάδα"}, {"Київ", "", "01001", "Україна"}, {"القاهرة", "", "11511", "مصر"},
	{"תל אביב", "", "6688312", "ישראל"}, {"Nairobi", "", "00100", "Kenya"}, {"मुंबई", "महाराष्ट्र", "400001", "भारत"},
	{"東京都", "千代田区", "100-0001", "日本"}, {"上海市", "", "200000", "中国"}, {"서울", "", "04524", "대한민국"},
	{"กรุงเทพฯ", "", "10110", "ไทย"}, {"Sydney", "NSW", "2000", "Australia"},
}

var streets = []string{
	"Main Street", "Hauptstraße", "Rue de l'Église", "Calle Mayor", "Via Roma", "Storgatan", "Kongens Gate", "Market Square",
	"Avenida Paulista", "Ul. Długa", "Náměstí Míru", "Station Road", "O'Connell Street", "Bahnhofstrasse", "Harbour Lane", "中央通り",
}

var jobTitles = []string{
	"Purchasing Manager", "Chief Executive Officer", "Owner", "Sales Assistant", "IT Administrator", "Facility Manager",
	"Head of Logistics", "Accountant", "Directrice des achats", "Leiter Einkauf", "Jefe de ventas", "営業部長", "Technician", "Controller",
}

var departments = []string{"Purchasing", "Finance", "IT", "Operations", "Sales", "R&D", "Human Resources", "Legal", "Quality"}

var productNames = []string{
	"Pump", "Valve 3/4\"", "Pressure Sensor", "Gateway, outdoor", "Smart Meter", "Controller", "Cable, 10 m", "Battery Pack", "Display 7\"",
	"Mounting Kit", "Service Visit", "Extended Warranty", "Antenna", "Filter Ø 40 mm", "Solar Panel", "Bracket", "Thermostat",
}

var topics = []string{
	"pump replacement", "renewal of the service contract", "delivery delay", "invoice query", "trial of the new gateway",
	"price list 2026", "warranty claim", "firmware update", "annual maintenance", "site survey", "training for operators",
	"spare parts order", "complaint about noise", "extension of the storage hall", "energy audit", "data export", "access for a new colleague",
	"Angebot für Ersatzteile", "demande de devis", "solicitud de información", "見積もりの依頼", "жалоба на доставку", "طلب عرض سعر",
}

var verbs = []string{"Discuss", "Follow up on", "Prepare", "Review", "Confirm", "Escalate", "Close", "Plan", "Send documents about", "Re:", "Fwd:"}

// sentences make up descriptions and notes.
var sentences = []string{
	"The customer asked for a call back before noon.",
	"They compare us with two competitors; price matters, delivery time matters more.",
	"\"As long as it works on Monday,\" she said, \"we are happy.\"",
	"Budget approved, order expected within two weeks.",
	"Serial numbers: 4711-A, 4712-B, 4713-C.",
	"No answer on the landline, left a message on the mobile.",
	"Der Kunde wünscht eine Rückmeldung bis Freitag.",
	"Le client souhaite une démonstration sur site.",
	"El cliente pidió una oferta por escrito; IVA incluido.",
	"ご検討のほどよろしくお願いいたします。",
	"请在周五之前回复。",
	"Просим прислать счёт до конца недели.",
	"يرجى الاتصال بنا في أقرب وقت ممكن.",
	"נא לחזור אלינו עד יום שלישי.",
	"कृपया कल तक उत्तर दें।",
	"Measured 21.5 °C inside, −3 °C outside, 64 % humidity.",
	"Price: 1.234,56 € (net), i.e. 1,234.56 in our notation.",
	"Great meeting! 🎉👍🏽 Next one with the whole family 👨‍👩‍👧‍👦.",
	"Path C:\\exports\\2026\\q3 was empty; see ticket #1024 & the log.",
	"SELECT * FROM \"orders\" WHERE name = 'O''Brien'; -- he sent this",
	"<p>Dear <b>team</b>,</p><p>please see below.</p>",
	"Columns: a;b;c, then a tab\there, and a pipe | there.",
	"Cafe\u0301 or café: both must survive, and so must na\u00efve and nai\u0308ve.",
	"Zalgo was here: Z\u0351\u036ba\u0343l\u0321g\u0321o\u0321.",
}

// separators stand between sentences: what breaks readers of CSV is not rare in CRM.
var separators = []string{" ", " ", " ", "\n", "\n", "\r\n", "\n\n", "\t"}

// awkward are short texts that have broken somebody's importer.
var awkward = []string{
	`"`, `""`, `,`, `'`, `\`, `\N`, `NULL`, `null`, `true`, `0`, `-0`, `1e5`, `=1+1`, `@ref`, `a,b`, `say "hi"`, `it's`, "line one\nline two",
	"line one\r\nline two", "tab\there", "{\"json\": [1, 2]}", "<xml a=\"1\"/>", "100%", "a;b|c", "👩🏽‍🚀", "e\u0301", "\u200fעברית", "ﷺ", "𝕌𝕟𝕚",
	"2026-02-30", "00000000-0000-0000-0000-000000000000", "…", "\u00a0nbsp\u00a0", "line\u2028separator", "ﬁne", "İıŞş", "ẞß", "Ω≠Ω",
}
