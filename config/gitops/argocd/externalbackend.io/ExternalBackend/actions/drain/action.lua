-- Drains targets for some hours: `Drain 10.20.0.11 until 2026-12-01T03:00:00Z`.
-- hosts: hosts of targets, separated by commas (default: all targets); hours: 1 to 168 (default: 2).
-- The last ready addresses of a Service stay published.
local os = require("os")

local params = actionParams or {}
local hosts = params["hosts"] or ""
local hours = tonumber(params["hours"] or "2")
if hours == nil or hours < 1 or hours > 168 then
    error("hours must be a number from 1 to 168", 0)
end

local function divide(a, b)
    return (a - a % b) / b
end

local function twoDigits(number)
    return number < 10 and "0" .. number or tostring(number)
end

-- RFC 3339 in UTC. os.date with a time would use the time zone of the process.
-- Days are counted from 1 March of the year 0, so that a leap day is the last of its year.
local function timestamp(seconds)
    seconds = seconds - seconds % 1
    local days = divide(seconds, 86400) + 719468
    local era = divide(days, 146097)
    local dayOfEra = days % 146097
    local yearOfEra = divide(
        dayOfEra - divide(dayOfEra, 1460) + divide(dayOfEra, 36524) - divide(dayOfEra, 146096),
        365
    )
    local dayOfYear = dayOfEra - (365 * yearOfEra + divide(yearOfEra, 4) - divide(yearOfEra, 100))
    local shifted = divide(5 * dayOfYear + 2, 153)
    local day = dayOfYear - divide(153 * shifted + 2, 5) + 1
    local month = shifted < 10 and shifted + 3 or shifted - 9
    local year = yearOfEra + era * 400 + (month <= 2 and 1 or 0)
    local time = seconds % 86400
    return year .. "-" .. twoDigits(month) .. "-" .. twoDigits(day) .. "T" .. twoDigits(divide(time, 3600))
        .. ":" .. twoDigits(divide(time % 3600, 60)) .. ":" .. twoDigits(time % 60) .. "Z"
end

obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["externalbackend.io/maintenance"] = "Drain " .. (hosts ~= "" and hosts .. " " or "")
    .. "until " .. timestamp(os.time() + hours * 3600)
return obj
