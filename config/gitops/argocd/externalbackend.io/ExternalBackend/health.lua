-- The status is kstatus-conformant: status.observedGeneration, and the conditions Ready, Reconciling and Stalled.
-- Available is the state of the database. A resource that is being deleted does not reach this script.
--
--   observedGeneration is not the generation       Progressing
--   Stalled                                        Degraded
--   Ready, reason Suspended                        Suspended
--   Reconciling: also until the first verdict      Progressing
--   Ready is not True                              Progressing
--   Ready, reason Adopting or Observing            Progressing, Healthy
--   Available False                                Degraded
--   Available Unknown                              Progressing
--   any other: some addresses may be down          Healthy, with a message

local longest = 3 -- addresses in a message

local function conditionsByType(status)
    local found = {}
    for _, condition in ipairs(status.conditions or {}) do
        found[condition.type] = condition
    end
    return found
end

-- Addresses that are unhealthy, with the reason and the time.
local function unhealthyAddresses(status)
    local texts = {}
    local more = 0
    for _, target in ipairs(status.targets or {}) do
        for _, address in ipairs(target.addresses or {}) do
            if address.health == "unhealthy" and #texts == longest then
                more = more + 1
            elseif address.health == "unhealthy" then
                local since = address.since and (" since " .. address.since) or ""
                table.insert(texts, address.ip .. " " .. address.reason .. since)
            end
        end
    end
    if more > 0 then
        table.insert(texts, "and " .. more .. " more")
    end
    return table.concat(texts, ", ")
end

local function activeWindow(status)
    local window = status.maintenance and status.maintenance.active and status.maintenance.active[1]
    if window == nil then
        return ""
    end
    local ends = window["until"] and (" until " .. window["until"]) or ""
    return "; maintenance: " .. window.action .. ends
end

-- An alias has no number of addresses.
local function healthyMessage(status, available, degraded)
    local message = available.message
    if status.summary ~= nil and status.summary ~= "-" then
        message = status.summary .. " ready"
    end
    if degraded ~= nil and degraded.status == "True" then
        local why = degraded.reason .. ": " .. degraded.message
        if degraded.reason == "AddressesUnhealthy" then
            why = unhealthyAddresses(status)
        end
        message = message .. "; " .. why
    end
    return message .. activeWindow(status)
end

local function health(status, message)
    return { status = status, message = message }
end

local function healthOf(object)
    local status = object.status or {}
    local condition = conditionsByType(status)
    local ready = condition.Ready
    if ready == nil or status.observedGeneration ~= object.metadata.generation then
        return health("Progressing", "The operator has not processed this generation yet")
    end
    if condition.Stalled ~= nil and condition.Stalled.status == "True" then
        return health("Degraded", condition.Stalled.reason .. ": " .. condition.Stalled.message)
    end
    if ready.reason == "Suspended" then
        return health("Suspended", ready.message)
    end
    if condition.Reconciling ~= nil and condition.Reconciling.status == "True" then
        return health("Progressing", condition.Reconciling.message)
    end
    if ready.status ~= "True" or ready.reason == "Adopting" then
        return health("Progressing", ready.message)
    end
    if ready.reason == "Observing" then
        return health("Healthy", ready.message)
    end
    local available = condition.Available
    if available == nil or available.status == "Unknown" then
        return health("Progressing", available and available.message or ready.message)
    end
    if available.status == "False" then
        return health("Degraded", available.message)
    end
    return health("Healthy", healthyMessage(status, available, condition.Degraded))
end

return healthOf(obj)
