/** The nth of many users, as Okta would describe it: for inventories that are filled without an org. */
export const userRecord = (n: number) => ({
  id: `00u${String(n).padStart(17, "0")}`,
  status: n % 20 === 0 ? "DEPROVISIONED" : "ACTIVE",
  created: "2020-06-04T10:00:00.000Z",
  activated: "2020-06-04T10:15:00.000Z",
  statusChanged: "2025-08-26T09:30:00.000Z",
  lastLogin: "2025-08-26T09:30:00.000Z",
  lastUpdated: "2025-08-26T09:30:00.000Z",
  passwordChanged: "2025-01-10T11:00:00.000Z",
  profile: {
    firstName: `First${n}`,
    lastName: `Last${n}`,
    login: `first${n}.last${n}@example.com`,
    email: `first${n}.last${n}@example.com`,
    displayName: `First${n} Last${n}`,
    department: `Department ${n % 40}`,
    title: "Financial Analyst",
    mobilePhone: "+1-555-234-5678",
    employeeNumber: `EMP${n}`,
    city: "New York",
    countryCode: "US",
  },
});
