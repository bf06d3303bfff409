from lineshaft.common.service import main
from lineshaft.health_monitor.app import NAME, build
from lineshaft.health_monitor.settings import HealthMonitorSettings

if __name__ == "__main__":
    main(NAME, HealthMonitorSettings, build)
